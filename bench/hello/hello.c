/* hello.c - the native hello world that `isomer run hello.wasm` is measured against. */
#include <stdio.h>

int main(void)
{
    puts("hello, world");
    return 0;
}
