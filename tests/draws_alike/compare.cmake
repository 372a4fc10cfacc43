# Seeds draw the same graphs whichever compiler built the generator: another one builds it here, with nothing else.
set(program ${BUILD}/draws_alike_program)
get_filename_component(libraries ${LATHE} DIRECTORY)
execute_process(
  COMMAND ${CXX} -std=c++20 -O0 -I${ROOT} -o ${program} ${ROOT}/tests/draws_alike/print_graphs.cpp
          ${ROOT}/tools/fuzz/describe.cpp ${ROOT}/tools/fuzz/random_graph.cpp ${ROOT}/tools/fuzz/random_transform.cpp
          ${ROOT}/tools/fuzz/values.cpp ${LATHE} -Wl,-rpath,${libraries}
  RESULT_VARIABLE code ERROR_VARIABLE errors)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${CXX} ended with ${code}:\n${errors}")
endif()
set(graphs 300)
execute_process(COMMAND ${program} ${graphs} OUTPUT_VARIABLE theirs COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${COMMAND} fuzz --graphs ${graphs} --print OUTPUT_VARIABLE ours COMMAND_ERROR_IS_FATAL ANY)
if(NOT ours STREQUAL theirs)
  file(WRITE ${BUILD}/draws_alike_ours.txt "${ours}")
  file(WRITE ${BUILD}/draws_alike_theirs.txt "${theirs}")
  message(FATAL_ERROR "${CXX} draws other graphs: compare draws_alike_ours.txt with draws_alike_theirs.txt in ${BUILD}")
endif()
string(LENGTH "${ours}" length)
if(length LESS 100000)
  message(FATAL_ERROR "${graphs} graphs are ${length} bytes only")
endif()
