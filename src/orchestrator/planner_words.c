/* planner_text.c - reasons of the planner in words. */
#include "orchestrator/planner.h"

const char *iso_plan_term_name(enum iso_plan_term term)
{
    static const char *const names[ISO_PLAN_TERMS] = {"execution", "queue",  "latency", "transfer",
                                                      "memory",    "moving", "overload"};
    return (unsigned)term < ISO_PLAN_TERMS ? names[term] : "?";
}
