# Installs into a fresh prefix, then configures, builds and runs a separate project against it.
set(work ${BUILD}/package_test)
file(REMOVE_RECURSE ${work})
function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGV}\nended with ${code}:\n${output}")
  endif()
endfunction()
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
step(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${work}/build
  -DCMAKE_PREFIX_PATH=${work}/prefix -DCMAKE_CXX_COMPILER=${CXX} -DLATHE_INCLUDE_DIR=${work}/prefix/include)
step(${CMAKE_COMMAND} --build ${work}/build)
step(${work}/build/guest)
