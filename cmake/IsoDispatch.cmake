# How the interpreter goes from one operation to the next: computed goto, tail calls or a switch.
#
# Result: the variable ISO_DISPATCH_FORM (goto, tail or switch), by which src/engine chooses its
# source file.

set(ISO_DISPATCH auto CACHE STRING "Dispatch of the interpreter: auto, goto, tail or switch")
set_property(CACHE ISO_DISPATCH PROPERTY STRINGS auto goto tail switch)

set(ISO_DISPATCH_FORM "${ISO_DISPATCH}")
if(ISO_DISPATCH STREQUAL "auto")
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(ISO_DISPATCH_FORM goto)
  elseif(CMAKE_C_COMPILER_ID MATCHES "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 19
         AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|aarch64|arm64)$")
    # Elsewhere too few registers carry arguments for tail calls to pay.
    set(ISO_DISPATCH_FORM tail)
  else()
    set(ISO_DISPATCH_FORM switch)
  endif()
elseif(NOT ISO_DISPATCH MATCHES "^(goto|tail|switch)$")
  message(FATAL_ERROR "ISO_DISPATCH is '${ISO_DISPATCH}'; it must be auto, goto, tail or switch")
endif()

message(STATUS "Dispatch of the interpreter: ${ISO_DISPATCH_FORM}")
