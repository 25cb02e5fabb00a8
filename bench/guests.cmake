# How guests of the bench are built (wasm32, by clang), for the bench and for whoever embeds some.
set(warnings -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef
  -Wvla -Wimplicit-fallthrough)
if(ISO_WERROR)
  list(APPEND warnings -Werror)
endif()
# The same results everywhere: no fused multiply-add, no errno from square roots. And loops stay
# loops: a copy in a loop is not to become a call of memcpy on one side only.
set(common_flags -std=c11 -ffp-contract=off -fno-math-errno -fno-builtin ${warnings})
set(guest_flags --target=wasm32 -O3 -msign-ext -mnontrapping-fptoint -mbulk-memory -mno-simd128
  -ffreestanding -nostdlib ${common_flags} -Wl,--no-entry -Wl,--strip-debug)
set(kernel_guest_flags ${guest_flags} -Wl,-z,stack-size=8192 -Wl,--initial-memory=131072)
set(bench_folder "${CMAKE_CURRENT_LIST_DIR}")

find_program(ISO_GUEST_CLANG clang-19)
find_program(ISO_WASM_LD NAMES wasm-ld-19 wasm-ld)

# iso_bench_guest(OUTPUT NAME [FLAG...]): the kernel NAME as the module OUTPUT, which exports `run`.
function(iso_bench_guest output name)
  set(source "${bench_folder}/kernels/${name}.c")
  add_custom_command(OUTPUT ${output}
    COMMAND "${ISO_GUEST_CLANG}" ${kernel_guest_flags} ${ARGN} -Wl,--export=run "${source}"
      -o ${output}
    DEPENDS "${source}" "${bench_folder}/kernels/kernel.h" VERBATIM)
endfunction()
