# Builds for machines without an operating system and a C library (presets cortex-m4, wasm32): only
# the engine and what it stands on, with no header but the compiler's own and those of
# src/freestanding/include, and nothing linked but the compiler's run-time library.
#
# Result: ISO_FREESTANDING, by which folders choose their sources; ISO_FOLDERS, what is built;
# ISO_MATH_LIBRARY, what has sqrt and the like.
option(ISO_FREESTANDING "Build the engine alone, without a C library" OFF)

if(ISO_FREESTANDING)
  set(ISO_FOLDERS src/base src/freestanding src/engine examples/${CMAKE_SYSTEM_PROCESSOR})
  set(ISO_MATH_LIBRARY iso_freestanding)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE compiler_headers OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  target_compile_options(iso_flags INTERFACE -ffreestanding -fno-math-errno -nostdinc
    "SHELL:-isystem ${CMAKE_SOURCE_DIR}/src/freestanding/include"
    "SHELL:-isystem ${compiler_headers}")
  target_link_options(iso_flags INTERFACE -nostdlib)
else()
  set(ISO_FOLDERS src/base src/freestanding src/codec src/engine src/platform src/wasi src/interface
    src/net src/package src/daemon src/supervisor src/orchestrator src/cli packaging tests bench fuzz
    examples)
  set(ISO_MATH_LIBRARY m)
endif()
