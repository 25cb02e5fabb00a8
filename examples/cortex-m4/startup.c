/* startup.c - from reset to main: the vector table, the FPU, variables, a painted stack. */
#include "board.h"

extern uint32_t board_stack_start[], board_stack_end[];
extern uint8_t board_data_load[], board_data_start[], board_data_end[];
extern uint8_t board_bss_start[], board_bss_end[];
extern uint8_t board_heap_start[], board_heap_end[];

enum { PAINT = 0x5afe57ac };

int main(void);
ISO_NORETURN void board_reset(void);

static void fault(void)
{
    board_print("the processor faulted\n");
    board_exit(2);
}

/* ARMv7-M: the first stack pointer, then reset, NMI and the faults. No interrupt is enabled. */
union vector {
    uint32_t *stack;
    void (*handler)(void);
};
__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
    {.stack = board_stack_end}, {.handler = board_reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault},       {.handler = fault},
};

void board_reset(void)
{
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: the FPU, for everyone */
    __asm volatile("dsb\n\tisb");
    memcpy(board_data_start, board_data_load, (size_t)(board_data_end - board_data_start));
    memset(board_bss_start, 0, (size_t)(board_bss_end - board_bss_start));
    for (volatile uint32_t *p = board_stack_start; p < (uint32_t *)__builtin_frame_address(0) - 32;
         p++) {
        *p = PAINT;
    }
    board_exit(main());
}

uint8_t *board_heap(size_t *size)
{
    *size = (size_t)(board_heap_end - board_heap_start);
    return board_heap_start;
}

size_t board_stack_peak(void)
{
    const uint32_t *p = board_stack_start;
    while (p < board_stack_end && *p == PAINT) {
        p++;
    }
    return (size_t)(board_stack_end - p) * sizeof *p;
}
