# What is installed is what users need, and nothing else: an internal header that lathe.h, inspect.h or images.h came to include
# would be part of their programs from then on. A new public header is listed here.
cmake_minimum_required(VERSION 3.25)
set(public
  frontend/checkpoint/checkpoint.h
  frontend/checkpoint/checkpoint_folder.h
  frontend/checkpoint/checkpoint_value.h
  frontend/checkpoint/load_into.h
  frontend/checkpoint/pytorch.h
  frontend/checkpoint/safetensors.h
  frontend/data/data.h
  frontend/data/dataset.h
  frontend/data/loader.h
  frontend/data/metrics.h
  frontend/data/progress.h
  frontend/formats/cifar.h
  frontend/formats/csv.h
  frontend/formats/idx.h
  frontend/formats/npy.h
  frontend/formats/npz.h
  frontend/formats/text.h
  frontend/images/image.h
  frontend/images/image_folder.h
  frontend/inspect/inspect.h
  frontend/inspect/stage.h
  frontend/model/aot.h
  frontend/model/model.h
  frontend/nn/nn.h
  frontend/onnx/onnx.h
  frontend/optim/accumulator.h
  frontend/optim/adam.h
  frontend/optim/adaptive.h
  frontend/optim/averaging.h
  frontend/optim/bounded.h
  frontend/optim/clipping.h
  frontend/optim/grad_scaler.h
  frontend/optim/lbfgs.h
  frontend/optim/optim.h
  frontend/optim/optimizer.h
  frontend/optim/schedules.h
  frontend/optim/settings.h
  frontend/optim/sgd.h
  frontend/optim/state.h
  frontend/tensor/array.h
  frontend/tensor/axes.h
  frontend/tensor/call_memory.h
  frontend/tensor/dlpack.h
  frontend/functions/activations.h
  frontend/functions/along_axis.h
  frontend/functions/attention.h
  frontend/functions/convolution.h
  frontend/functions/binary.h
  frontend/functions/creation.h
  frontend/functions/diagonals.h
  frontend/functions/differences.h
  frontend/functions/elementwise.h
  frontend/functions/fourier.h
  frontend/functions/functions.h
  frontend/functions/indexing.h
  frontend/functions/joining.h
  frontend/functions/linear_algebra.h
  frontend/functions/losses.h
  frontend/functions/movement.h
  frontend/functions/normalization.h
  frontend/functions/per_extent.h
  frontend/functions/pooling.h
  frontend/functions/products.h
  frontend/functions/quantization.h
  frontend/functions/random.h
  frontend/functions/reductions.h
  frontend/functions/resize.h
  frontend/functions/search.h
  frontend/functions/sequence_losses.h
  frontend/functions/signal.h
  frontend/functions/vectors.h
  frontend/tensor/index.h
  frontend/tensor/limits.h
  frontend/tensor/mixed_precision.h
  frontend/tensor/node_ref.h
  frontend/tensor/tensor.h
  frontend/tensor/tree.h
  frontend/tensor/where.h
  frontend/trace/compile_options.h
  frontend/trace/control.h
  frontend/trace/grad.h
  frontend/trace/jit.h
  frontend/trace/transforms.h
  frontend/trace/vmap.h
  images.h
  inspect.h
  ir/dim.h
  ir/dtype.h
  ir/error.h
  ir/loc.h
  ir/printable.h
  ir/type.h
  lathe.h
  passes/remark.h
  runtime/abi.h
  runtime/threads.h)
set(PREFIX ${BUILD}/public_headers_test)
file(REMOVE_RECURSE ${PREFIX})
include(${ROOT}/cmake/install_headers.cmake)
file(GLOB_RECURSE installed RELATIVE ${PREFIX}/lathe ${PREFIX}/lathe/*)
set(more ${installed})
list(REMOVE_ITEM more ${public})
set(fewer ${public})
list(REMOVE_ITEM fewer ${installed})
if(more)
  message(FATAL_ERROR "internal headers would be installed: ${more}")
endif()
if(fewer)
  message(FATAL_ERROR "listed here, and not installed: ${fewer}")
endif()
