# The functions by which every folder declares what it builds. Source lists are explicit.

# iso_library(NAME SOURCES file... [SMALL_SOURCES file...] [DEPENDS library...])
#   A static library, one per folder of src. DEPENDS pass on to whoever links it. SMALL_SOURCES are
#   optimised for size: what runs once per command or per module, or writes text for people. Nobody
#   waits for it, and flash is small.
function(iso_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;SMALL_SOURCES;DEPENDS")
  iso_check_arguments(iso_library "${arg_UNPARSED_ARGUMENTS}" "${arg_SOURCES}${arg_SMALL_SOURCES}")
  add_library(${name} STATIC ${arg_SOURCES} ${arg_SMALL_SOURCES})
  if(arg_SMALL_SOURCES AND CMAKE_BUILD_TYPE STREQUAL "Release")
    set_property(SOURCE ${arg_SMALL_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -Oz)
  endif()
  target_link_libraries(${name} PUBLIC iso_flags ${arg_DEPENDS})
endfunction()

# iso_program(NAME SOURCES file... [LIBS library...])
function(iso_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  iso_check_arguments(iso_program "${arg_UNPARSED_ARGUMENTS}" "${arg_SOURCES}")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE iso_flags ${arg_LIBS})
endfunction()

# iso_test(NAME SOURCES file... [LIBS library...] [ARGS argument...] [TIMEOUT seconds])
#   A test program over base/test.h, registered with ctest. It must end within TIMEOUT (240). Not in
#   freestanding builds.
function(iso_test name)
  if(ISO_FREESTANDING)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBS;ARGS")
  iso_check_arguments(iso_test "${arg_UNPARSED_ARGUMENTS}" "${arg_SOURCES}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 240)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE iso_flags ${arg_LIBS} iso_test_main)
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

# iso_fuzz_target(NAME SOURCES file... [LIBS library...])
#   A libFuzzer program; with ISO_FUZZ only (preset fuzz), otherwise nothing is built.
function(iso_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  iso_check_arguments(iso_fuzz_target "${arg_UNPARSED_ARGUMENTS}" "${arg_SOURCES}")
  if(ISO_FUZZ)
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE iso_flags ${arg_LIBS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()

function(iso_check_arguments function_name unparsed sources)
  if(unparsed)
    message(FATAL_ERROR "${function_name}: what is '${unparsed}'?")
  endif()
  if(NOT sources)
    message(FATAL_ERROR "${function_name}: SOURCES are missing")
  endif()
endfunction()
