/*
 * wasm2c_shim.c - gives native_main.c a `run` that is the kernel as wasm2c (wabt 1.0.32, as in
 * Debian 12) translated it to C.
 */
#include "kernels/kernel.h"

#include "kernel_w2c.h"

static Z_kernel_instance_t instance;

/* Before main, so that the time of the call is the call's alone. */
__attribute__((constructor)) static void instance_create(void)
{
    wasm_rt_init();
    Z_kernel_init_module();
    Z_kernel_instantiate(&instance);
}

uint64_t run(uint32_t n)
{
    return Z_kernelZ_run(&instance, n);
}
