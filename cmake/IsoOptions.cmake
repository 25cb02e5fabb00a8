# Options of the build, and the compiler flags that follow from them (target iso_flags).

option(ISO_WERROR "Treat warnings as errors" OFF)
option(ISO_STATIC "Link programs statically" OFF)
set(ISO_SANITIZE "" CACHE STRING "Sanitizers: 'address;undefined', 'thread', 'memory' or empty")
option(ISO_FUZZ "Build the fuzz targets (clang with libFuzzer)" OFF)
set(ISOMER_SPEC_TESTS "$ENV{ISOMER_SPEC_TESTS}" CACHE PATH
  "Folder of the official WebAssembly tests in wast2json's format; empty: those tests are skipped")
set(ISOMER_WASI_TESTS "$ENV{ISOMER_WASI_TESTS}" CACHE PATH
  "Folder of the official WASI tests; empty: those tests are skipped")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()
# Debug information costs nothing at run time. Assertions (ISO_ASSERT) do not depend on NDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_DEBUG "-O0 -g" CACHE STRING "" FORCE)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(iso_flags INTERFACE)
target_include_directories(iso_flags INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(iso_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
  -Wimplicit-fallthrough
  # A product and a sum are two roundings in WebAssembly, on every processor.
  -ffp-contract=off
  # Assertions print the path from the top of the project; builds are the same in any folder.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  # Lets the linker leave out what a program does not use.
  -ffunction-sections -fdata-sections
  # Nothing here unwinds a stack while it runs; debuggers have tables of their own (-g).
  -fno-asynchronous-unwind-tables -fno-unwind-tables)
target_link_options(iso_flags INTERFACE -Wl,--gc-sections)

# Functions, loops and tables begin where they may, not at multiples of 16 or 32 bytes: what lies
# between was one percent of the program isomer. It saved no time: without it, modules are validated
# 2 % faster and calls with JSON 2 % slower. The interpreter's files have it again
# (src/engine/CMakeLists.txt). clang pads less by itself.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(iso_flags INTERFACE -fno-align-functions -fno-align-loops -fno-align-jumps)
  include(CheckCCompilerFlag)
  check_c_compiler_flag(-malign-data=abi ISO_HAVE_ALIGN_DATA)
  if(ISO_HAVE_ALIGN_DATA)
    target_compile_options(iso_flags INTERFACE -malign-data=abi)
  endif()
endif()

# Tables of pointers need a relocation per entry; packed, each takes an eighth of a word instead of
# three words (glibc 2.36 and later).
include(CheckLinkerFlag)
if(NOT ISO_FREESTANDING AND NOT ISO_STATIC)
  check_linker_flag(C -Wl,-z,pack-relative-relocs ISO_HAVE_PACKED_RELOCATIONS)
endif()
if(ISO_HAVE_PACKED_RELOCATIONS)
  target_link_options(iso_flags INTERFACE -Wl,-z,pack-relative-relocs)
endif()

if(ISO_WERROR)
  target_compile_options(iso_flags INTERFACE -Werror)
endif()
if(ISO_STATIC)
  # Static and at a fixed address: code that could stand anywhere is longer on some processors.
  target_compile_options(iso_flags INTERFACE -fno-pie)
  target_link_options(iso_flags INTERFACE -static)
endif()
if(ISO_SANITIZE)
  list(JOIN ISO_SANITIZE "," sanitizers)
  if("thread" IN_LIST ISO_SANITIZE)
    target_compile_definitions(iso_flags INTERFACE ISO_THREAD_SANITIZER)
  endif()
  set(sanitize_flags -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if("memory" IN_LIST ISO_SANITIZE)
    # Operations of the interpreter hand accumulators on that nobody will read; only uses count.
    list(APPEND sanitize_flags -fno-sanitize-memory-param-retval)
  endif()
  target_compile_options(iso_flags INTERFACE ${sanitize_flags})
  target_link_options(iso_flags INTERFACE ${sanitize_flags})
endif()
if(ISO_FUZZ)
  # Coverage feedback in every library; iso_fuzz_target() links libFuzzer itself.
  target_compile_options(iso_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
