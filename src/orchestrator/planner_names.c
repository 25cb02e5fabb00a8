/* planner_names.c - enumerations of the planner as words for JSON. */
#include "orchestrator/planner_state.h"

const char *iso_plan_term_name(enum iso_plan_term term)
{
    static const char *const names[ISO_PLAN_TERMS] = {"execution", "queue",  "latency", "transfer",
                                                      "memory",    "moving", "overload"};
    return (unsigned)term < ISO_PLAN_TERMS ? names[term] : "?";
}

const char *iso_plan_why_not_name(enum iso_plan_why_not why)
{
    static const char *const names[] = {[ISO_PLAN_CHOSEN] = "chosen",
                                        [ISO_PLAN_COSTS_MORE] = "costs-more",
                                        [ISO_PLAN_IS_LOST] = "lost",
                                        [ISO_PLAN_IS_SUSPECT] = "suspect",
                                        [ISO_PLAN_IS_DRAINING] = "draining",
                                        [ISO_PLAN_STAYS_ELSEWHERE] = "stays-elsewhere",
                                        [ISO_PLAN_PINNED_ELSEWHERE] = "pinned-elsewhere",
                                        [ISO_PLAN_LABEL_MISSING] = "label-missing",
                                        [ISO_PLAN_FEATURE_MISSING] = "feature-missing",
                                        [ISO_PLAN_INTERFACE_MISSING] = "interface-missing",
                                        [ISO_PLAN_NAME_MISSING] = "name-missing",
                                        [ISO_PLAN_MEMORY_SHORT] = "memory-short",
                                        [ISO_PLAN_PARTNER] = "partner",
                                        [ISO_PLAN_NOT_BESIDE] = "not-beside",
                                        [ISO_PLAN_MEMORY_TAKEN] = "memory-taken",
                                        [ISO_PLAN_NO_PLAN] = "possible-by-itself"};
    return (unsigned)why < ISO_COUNT_OF(names) ? names[why] : "?";
}

const char *iso_plan_reason_name(enum iso_plan_reason_kind kind)
{
    static const char *const names[] = {
        [ISO_PLAN_WHY_PINNED] = "pinned",   [ISO_PLAN_WHY_ONLY] = "only",
        [ISO_PLAN_WHY_WITH] = "with",       [ISO_PLAN_WHY_APART] = "apart",
        [ISO_PLAN_WHY_ROOM] = "room",       [ISO_PLAN_WHY_FAST] = "fast",
        [ISO_PLAN_WHY_NEAR] = "near",       [ISO_PLAN_WHY_IDLE] = "idle",
        [ISO_PLAN_WHY_STAYS] = "stays",     [ISO_PLAN_WHY_SPACIOUS] = "spacious",
        [ISO_PLAN_WHY_TIE] = "tie",         [ISO_PLAN_WHY_MOVED] = "moved",
        [ISO_PLAN_WHY_ASSUMED] = "assumed", [ISO_PLAN_WHY_OVERLOAD] = "overload"};
    return (unsigned)kind < ISO_COUNT_OF(names) ? names[kind] : "?";
}

const char *iso_plan_conflict_name(enum iso_plan_conflict_kind kind)
{
    static const char *const names[] = {[ISO_PLAN_FEASIBLE] = "none",
                                        [ISO_PLAN_NO_DEVICES] = "no-devices",
                                        [ISO_PLAN_NO_CANDIDATE] = "no-candidate",
                                        [ISO_PLAN_JOINT] = "joint",
                                        [ISO_PLAN_NOT_FOUND] = "not-found"};
    return (unsigned)kind < ISO_COUNT_OF(names) ? names[kind] : "?";
}
