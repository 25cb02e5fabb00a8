/*
 * ablate.h - the techniques that the translator and the interpreter use: all of them.
 *
 * Only to measure what each is worth (bench/ablation.py, docs/performance.md) is the engine built
 * without one: -DISO_ABLATE=MASK for CMake, which is the definition below. Everywhere else
 * ISO_USES(...) is the constant true, and no code is made for it. Builds without BOUNDS are not
 * safe, those without FUEL cannot be interrupted; both are for the bench alone.
 */
#ifndef ISO_ENGINE_ABLATE_H
#define ISO_ENGINE_ABLATE_H

#ifndef ISO_ABLATE
#define ISO_ABLATE 0
#endif

enum iso_technique {
    ISO_FOLD_LOCALS = 1 << 0,     /* local.get is an operand of what uses it */
    ISO_FOLD_CONSTANTS = 1 << 1,  /* constants are, too */
    ISO_ACCUMULATORS = 1 << 2,    /* the last results are read from registers */
    ISO_SET_REDIRECTS = 1 << 3,   /* local.set changes where its value is written */
    ISO_COMPARE_BRANCH = 1 << 4,  /* compare and branch in one */
    ISO_COUNT_BRANCH = 1 << 5,    /* add, compare and branch back in one */
    ISO_ADDRESS_SUMS = 1 << 6,    /* loads and stores add up their address */
    ISO_PRODUCT_SUMS = 1 << 7,    /* multiply and add, shift and add */
    ISO_FAST_CALLS = 1 << 8,      /* calls within an instance stay in the interpreter's code */
    ISO_FUEL = 1 << 9,            /* what runs is counted, and the limit looked at */
    ISO_BOUNDS = 1 << 10,         /* addresses are compared with the memory's size */
    ISO_MEMORY_OPERANDS = 1 << 11 /* arithmetic loads its second operand */
};

#define ISO_USES(technique) ((ISO_ABLATE & (technique)) == 0)

#endif
