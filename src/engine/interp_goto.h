/*
 * interp_goto.h - how interp_goto.c keeps the addresses of its operations.
 *
 * A program at a fixed address has them as constants, in flash on machines that have such. One that
 * may stand anywhere would need a relocation for each, six times as large as it is in the program's
 * file; it has their distances from a place of the same function and adds that place's address.
 */
#ifndef ISO_ENGINE_INTERP_GOTO_H
#define ISO_ENGINE_INTERP_GOTO_H

#include "engine/interp.h"

/* ISO_OP_ENTRY: what the constants are; ISO_OP_PLACE(label, origin): one of them.
 * op_addresses: ISO_OPN_COUNT addresses, from the constants and the address of the origin. */
#ifdef __PIC__
#define ISO_OP_ENTRY int32_t
#define ISO_OP_PLACE(label, origin) &&label - &&origin
static inline const uintptr_t *op_addresses(const int32_t *entries, const void *origin)
{
    static uintptr_t addresses[ISO_OPN_COUNT];
    for (uint32_t i = 0; i < ISO_OPN_COUNT; i++) {
        addresses[i] = (uintptr_t)origin + (uintptr_t)(intptr_t)entries[i];
    }
    return addresses;
}
#else
#define ISO_OP_ENTRY uintptr_t
#define ISO_OP_PLACE(label, origin) (uintptr_t) && label
static inline const uintptr_t *op_addresses(const uintptr_t *entries, const void *origin)
{
    (void)origin;
    return entries;
}
#endif

#endif
