# iso_embed(TARGET SYMBOL FILE): the bytes of FILE as `const unsigned char SYMBOL[]`, followed by a
# zero byte that `const size_t SYMBOL_len` does not count, compiled into TARGET. The header that
# declares them is the caller's.
function(iso_embed target symbol file)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c")
  add_custom_command(
    OUTPUT "${source}"
    COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} "-DINPUT=${file}" "-DOUTPUT=${source}"
      -P "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS "${file}" "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    VERBATIM)
  target_sources(${target} PRIVATE "${source}")
endfunction()
