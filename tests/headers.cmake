# Whoever looks for a header finds it by the name of the file that defines what it declares. X.cpp has a header X.h, here
# or a folder above; X_part.cpp may be a part of X. All others are parts of a header that is named here, and no more.
cmake_minimum_required(VERSION 3.25)
set(parts
  ir/graph/bind.cpp=ir/graph/interpret.h
  ir/graph/region.cpp=ir/attribute.h
  ir/ops/type_context.cpp=ir/ops/op.h
  passes/fuse/order.cpp=passes/fuse/drafts.h
  passes/loops/canonicalize.cpp=passes/loops/loop_passes.h
  passes/loops/collapse.cpp=passes/loops/loop_passes.h
  passes/loops/interchange.cpp=passes/loops/loop_passes.h
  passes/loops/iteration_cost.cpp=passes/loops/loop_passes.h
  passes/loops/vectorize.cpp=passes/loops/loop_passes.h
  runtime/binding_cache.cpp=runtime/plan.h
  runtime/calls/cummax_v1.cpp=runtime/calls/calls.h
  runtime/calls/cumprod_v1.cpp=runtime/calls/calls.h
  runtime/calls/cumsum_v2.cpp=runtime/calls/calls.h
  runtime/calls/fft_v1.cpp=runtime/calls/calls.h
  runtime/calls/linear_recurrence_v1.cpp=runtime/calls/calls.h
  runtime/calls/searchsorted_v1.cpp=runtime/calls/calls.h
  runtime/calls/sort_v2.cpp=runtime/calls/calls.h
  runtime/calls/topk_v1.cpp=runtime/calls/calls.h
  runtime/linear_algebra/cholesky_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/det_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/eig_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/eigh_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/lu_solve_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/lu_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/matrix_exp_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/qr_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/svd_v1.cpp=runtime/linear_algebra/calls.h
  runtime/linear_algebra/triangular_solve_v1.cpp=runtime/linear_algebra/calls.h
  codegen/host_functions.cpp=ir/graph/host_functions.h
  codegen/llvm/emit_index.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_memory.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_nest.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_program.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_reduce.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_transpose.cpp=codegen/llvm/emitter.h
  codegen/llvm/emit_vector_loop.cpp=codegen/llvm/emitter.h
  codegen/llvm/never_destroyed.cpp=
  frontend/onnx/operators/activation.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/attention.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/control.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/convolution.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/creation.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/elementwise.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/indexing.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/loss.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/movement.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/normalization.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/pooling.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/product.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/quantization.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/recurrent.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/reduction.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/resize.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/search.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/sequence.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/shape.cpp=frontend/onnx/operators.h
  frontend/onnx/operators/signal.cpp=frontend/onnx/operators.h
  frontend/tensor/borrow.cpp=frontend/tensor/tensor.h
  frontend/tensor/evaluate.cpp=frontend/tensor/node.h
  frontend/tensor/variable.cpp=frontend/tensor/node.h)
set(faults 0)
set(seen "")
foreach(folder ir passes runtime codegen frontend)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.cpp)
  foreach(file ${files})
    get_filename_component(folder_of ${file} DIRECTORY)
    get_filename_component(above ${folder_of} DIRECTORY)
    get_filename_component(name ${file} NAME_WE)
    set(found FALSE)
    if(EXISTS ${ROOT}/${above}/${name}.h)
      set(found TRUE)
    endif()
    while(NOT found AND name)
      if(EXISTS ${ROOT}/${folder_of}/${name}.h)
        set(found TRUE)
      elseif(name MATCHES "^(.*)_[^_]*$")
        set(name ${CMAKE_MATCH_1})
      else()
        set(name "")
      endif()
    endwhile()
    if(found)
      continue()
    endif()
    set(part ${parts})
    list(FILTER part INCLUDE REGEX "^${file}=")
    string(REGEX REPLACE "^[^=]*=" "" header "${part}")
    if(NOT part)
      message("${file} has no header of its name")
      math(EXPR faults "${faults} + 1")
    elseif(header AND NOT EXISTS ${ROOT}/${header})
      message("${file} is said to be a part of ${header}, which is no file")
      math(EXPR faults "${faults} + 1")
    endif()
    list(APPEND seen ${file})
  endforeach()
endforeach()
foreach(part ${parts})
  string(REGEX REPLACE "=.*$" "" file ${part})
  if(NOT file IN_LIST seen)
    message("${file} is listed here, and needs no more to be")
    math(EXPR faults "${faults} + 1")
  endif()
endforeach()
if(faults)
  message(FATAL_ERROR "${faults} files without a header")
endif()
