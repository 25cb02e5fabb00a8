/* planner_random_test.c - the planner against all placements there are, on small random sites: it
 * is never more than 5 % worse, and finds a plan exactly where there is one. What a placement costs
 * and whether it is allowed is computed here anew, from docs/internals/planner.md. */
#include "base/test.h"
#include "orchestrator/planner_test_support.h"

#include <math.h>
#include <stdio.h>

enum { devices_max = 5, components_max = 6, cases = 200 };

/* ---- The reference -------------------------------------------------------------------------- */

static double or_default(double value, double otherwise)
{
    return value > 0 ? value : otherwise;
}

static double speed_of(const struct iso_plan_input *in, const struct iso_plan_device *device)
{
    double slowest = ISO_PLAN_DEFAULT_SPEED;
    for (size_t i = 0; i < in->device_count; i++) {
        if (in->devices[i].speed > 0) {
            slowest = fmin(slowest, in->devices[i].speed);
        }
    }
    return 1e6 * or_default(device->speed, slowest);
}

static double waiting(double used)
{
    return used <= 0.95 ? used / (1 - used) : 19 + (used - 0.95) * 400;
}

static double excess(double used)
{
    return used > 1 + 1e-9 ? used - 1 : 0;
}

static void way(const struct iso_plan_input *in, size_t a, size_t b, double *latency, double *bytes)
{
    double worst_latency = 0, worst_bytes = 0;
    for (size_t i = 0; i < in->path_count; i++) {
        const struct iso_plan_path *path = &in->paths[i];
        if ((path->a == a && path->b == b) || (path->a == b && path->b == a)) {
            worst_latency = fmax(worst_latency, path->latency_us);
            worst_bytes =
                worst_bytes <= 0 || (path->bytes_per_s > 0 && path->bytes_per_s < worst_bytes)
                    ? path->bytes_per_s
                    : worst_bytes;
        }
    }
    const struct iso_plan_device *x = &in->devices[a], *y = &in->devices[b];
    *latency =
        or_default(worst_latency, or_default(x->latency_us, 500) + or_default(y->latency_us, 500)) /
        1e6;
    *bytes = or_default(worst_bytes,
                        fmin(or_default(x->bytes_per_s, 10e6), or_default(y->bytes_per_s, 10e6)));
}

static double rate_of(const struct iso_plan_input *in, size_t component)
{
    double rate = 0;
    for (size_t i = 0; i < in->edge_count; i++) {
        rate += in->edges[i].to == component ? or_default(in->edges[i].calls_per_s, 1) : 0;
    }
    return or_default(rate, 1);
}

static double work_of(const struct iso_plan_input *in, size_t component)
{
    const struct iso_plan_component *c = &in->components[component];
    if (c->stays && in->devices[c->current].state == ISO_PLAN_LOST) {
        return 0;
    }
    return rate_of(in, component) * or_default(in->components[component].fuel_per_call, 1e6);
}

/* Where it runs; what was on a lost device runs nowhere, unless it waits there. */
static size_t current_of(const struct iso_plan_input *in, size_t component)
{
    const struct iso_plan_component *c = &in->components[component];
    const bool gone =
        c->current != ISO_PLAN_NONE && !c->stays && in->devices[c->current].state == ISO_PLAN_LOST;
    return gone ? ISO_PLAN_NONE : c->current;
}

/* Of others: what the device says without what the application does there. */
static double load_of(const struct iso_plan_input *in, size_t device)
{
    double own = 0;
    for (size_t c = 0; c < in->component_count; c++) {
        own += current_of(in, c) == device ? work_of(in, c) : 0;
    }
    return fmin(fmax(in->devices[device].load - own / speed_of(in, &in->devices[device]), 0), 0.95);
}

struct reference {
    double cost, over;
};

static void add_devices(const struct iso_plan_input *in, const size_t *place, struct reference *sum)
{
    for (size_t d = 0; d < in->device_count; d++) {
        const struct iso_plan_device *device = &in->devices[d];
        const double speed = speed_of(in, device), core = speed / device->cores;
        double work = 0, limit = 0;
        for (size_t c = 0; c < in->component_count; c++) {
            if (place[c] != d) {
                continue;
            }
            const double own = work_of(in, c);
            work += own;
            limit += (double)in->components[c].memory_limit_bytes;
            sum->cost += own / core;
            if (in->components[c].service && device->cores > 1) {
                sum->cost += own / core * waiting(own / core) * (1 - 1.0 / device->cores);
                sum->over += excess(own / core);
            }
        }
        if (work > 0) {
            const double used = load_of(in, d) + work / speed;
            sum->cost += work / core * waiting(used) / device->cores;
            sum->over += excess(used);
        }
        const double free = (double)iso_plan_site_memory(in, d);
        sum->cost += 0.01 * fmax(limit - free, 0) / free;
    }
}

/* Calls and bytes of two components on different devices; both directions share the path. */
static void add_traffic(const struct iso_plan_input *in, const size_t *place, struct reference *sum)
{
    /* Components that must be together share their traffic to others. */
    double calls[components_max][components_max] = {{0}},
           bytes[components_max][components_max] = {{0}};
    size_t group[components_max];
    for (size_t c = 0; c < in->component_count; c++) {
        group[c] = c;
    }
    for (size_t c = 0; c < in->component_count; c++) {
        for (size_t i = 0; i < in->components[c].rule_count; i++) {
            const struct iso_plan_rule *rule = &in->components[c].rules[i];
            if (rule->kind == ISO_PLAN_WITH) {
                const size_t old = group[c], new = group[iso_plan_site_find(in, rule->text)];
                for (size_t k = 0; k < in->component_count; k++) {
                    group[k] = group[k] == old ? new : group[k];
                }
            }
        }
    }
    for (size_t i = 0; i < in->edge_count; i++) {
        const struct iso_plan_edge *edge = &in->edges[i];
        if (edge->from != ISO_PLAN_NONE) {
            const size_t a = group[edge->from], b = group[edge->to];
            const double rate = or_default(edge->calls_per_s, 1);
            calls[a < b ? a : b][a < b ? b : a] += rate;
            bytes[a < b ? a : b][a < b ? b : a] += rate * or_default(edge->bytes_per_call, 1024);
        }
    }
    for (size_t a = 0; a < in->component_count; a++) {
        for (size_t b = a + 1; b < in->component_count; b++) {
            if (calls[a][b] > 0 && place[a] != place[b]) {
                double latency, bandwidth;
                way(in, place[a], place[b], &latency, &bandwidth);
                sum->cost += calls[a][b] * latency + bytes[a][b] / bandwidth;
                sum->over += excess(bytes[a][b] / bandwidth);
            }
        }
    }
}

static double traffic_here(const struct iso_plan_input *in, size_t c)
{
    double cost = 0;
    for (size_t i = 0; i < in->edge_count; i++) {
        const struct iso_plan_edge *edge = &in->edges[i];
        if ((edge->from != c && edge->to != c) || edge->from == ISO_PLAN_NONE) {
            continue;
        }
        const size_t a = current_of(in, edge->from), b = current_of(in, edge->to);
        if (a != ISO_PLAN_NONE && b != ISO_PLAN_NONE && a != b) {
            double latency, bandwidth;
            const double rate = or_default(edge->calls_per_s, 1);
            way(in, a, b, &latency, &bandwidth);
            cost +=
                (rate * latency + rate * or_default(edge->bytes_per_call, 1024) / bandwidth) / 2;
        }
    }
    return cost;
}

static void add_moves(const struct iso_plan_input *in, const size_t *place, struct reference *sum)
{
    for (size_t c = 0; c < in->component_count; c++) {
        const struct iso_plan_component *component = &in->components[c];
        const size_t from = current_of(in, c);
        if (from == ISO_PLAN_NONE || from == place[c]) {
            continue;
        }
        double seconds = 0.05, latency, bandwidth;
        if (component->service) {
            way(in, from, place[c], &latency, &bandwidth);
            seconds += (double)component->state_bytes / bandwidth;
        }
        sum->cost += seconds / 60;
        if (iso_plan_site_allows_alone(in, c, from)) {
            const struct iso_plan_device *device = &in->devices[from];
            sum->cost += 0.1 * (work_of(in, c) / (speed_of(in, device) / device->cores) +
                                traffic_here(in, c));
        }
    }
}

static struct reference reference_cost(const struct iso_plan_input *in, const size_t *place)
{
    struct reference sum = {0, 0};
    add_devices(in, place, &sum);
    add_traffic(in, place, &sum);
    add_moves(in, place, &sum);
    sum.cost += 1000 * sum.over;
    return sum;
}

struct best {
    bool found, overloaded;
    double cost;
};

/* All placements. One without overload is better than any with. */
static struct best reference_best(const struct iso_plan_input *in)
{
    struct best best = {false, false, INFINITY};
    size_t place[components_max] = {0}, total = 1;
    for (size_t c = 0; c < in->component_count; c++) {
        total *= in->device_count;
    }
    for (size_t n = 0; n < total; n++) {
        size_t rest = n;
        for (size_t c = 0; c < in->component_count; c++) {
            place[c] = rest % in->device_count;
            rest /= in->device_count;
        }
        if (!iso_plan_site_allows(in, place)) {
            continue;
        }
        const struct reference cost = reference_cost(in, place);
        const bool over = cost.over > 0;
        if (!best.found || (best.overloaded && !over) ||
            (best.overloaded == over && cost.cost < best.cost)) {
            best = (struct best){true, over, cost.cost};
        }
    }
    return best;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void site_make(struct iso_plan_site *site, uint64_t seed)
{
    struct iso_plan_random random = {seed * 77 + 1};
    (void)iso_plan_random_next(&random);
    const struct iso_plan_site_options options = {
        .devices = 1 + iso_plan_random_below(&random, devices_max),
        .components = 1 + iso_plan_random_below(&random, components_max),
        .trouble_percent = 15,
        .constraint_percent = iso_plan_random_chance(&random, 80) ? 8 : 30,
        .running_percent = 40,
        .memory_low = 16 << 20,
        .memory_high = 128 << 20,
        .work_low = 1e4,
        .work_high = iso_plan_random_chance(&random, 80) ? 2e7 : 2e8};
    iso_plan_site_make(site, &options, seed);
}

struct tally {
    size_t feasible, overloaded, proven, optimal;
    double worst, sum;
};

static void case_run(uint64_t seed, const struct iso_plan_options *options, double bound,
                     struct tally *tally)
{
    struct iso_plan_site site;
    struct iso_plan *plan = NULL;
    site_make(&site, seed);
    const struct best best = reference_best(&site.input);
    CHECK_OK(iso_plan_create(iso_alloc_libc(), &site.input, options, &plan, NULL));
    const struct iso_plan_outcome *outcome = iso_plan_outcome(plan);
    if (outcome->feasible != best.found) {
        TEST_FAIL("case %llu: feasible: %d, there is a placement: %d", (unsigned long long)seed,
                  outcome->feasible, best.found);
    }
    if (best.found) {
        size_t place[components_max];
        for (size_t c = 0; c < site.input.component_count; c++) {
            place[c] = iso_plan_device(plan, c);
        }
        CHECK(iso_plan_site_allows(&site.input, place));
        const struct reference own = reference_cost(&site.input, place);
        const double ratio = best.cost > 0 ? own.cost / best.cost : 1 + own.cost;
        if (fabs(own.cost - outcome->cost.total) > 1e-9 * (1 + own.cost)) {
            TEST_FAIL("case %llu: the planner says it costs %g, it costs %g",
                      (unsigned long long)seed, outcome->cost.total, own.cost);
        }
        CHECK((own.over > 0) == outcome->overloaded);
        if (ratio > bound || (outcome->overloaded && !best.overloaded)) {
            TEST_FAIL("case %llu: %g, the best is %g (overloaded: %d, %d)",
                      (unsigned long long)seed, own.cost, best.cost, outcome->overloaded,
                      best.overloaded);
        }
        tally->feasible++;
        tally->overloaded += best.overloaded ? 1 : 0;
        tally->optimal += ratio < 1 + 1e-6 ? 1 : 0;
        tally->worst = fmax(tally->worst, ratio);
        tally->sum += ratio;
    }
    tally->proven += outcome->proven ? 1 : 0;
    iso_plan_destroy(plan);
    iso_plan_site_fini(&site);
}

static struct tally cases_run(const struct iso_plan_options *options, double bound)
{
    struct tally tally = {0};
    for (uint64_t seed = 1; seed <= cases; seed++) {
        case_run(seed, options, bound, &tally);
    }
    printf(
        "    %d cases: %zu feasible (%zu overloaded), %zu proven, %zu optimal; to the best: mean "
        "%.4f, worst %.4f\n",
        cases, tally.feasible, tally.overloaded, tally.proven, tally.optimal,
        tally.sum / (double)tally.feasible, tally.worst);
    return tally;
}

TEST(of_all_placements_the_exact_search_finds_the_best)
{
    const struct tally tally = cases_run(NULL, 1.05);
    /* Cases in which nothing is to be decided would show nothing. */
    CHECK(tally.feasible >= cases / 2 && tally.feasible <= cases - 10);
    CHECK(tally.overloaded >= 5);
    CHECK_EQ_U64(tally.proven, cases);
    CHECK_EQ_U64(tally.optimal, tally.feasible);
}

TEST(the_heuristic_alone_comes_near_the_best)
{
    struct iso_plan_options options = iso_plan_options_default;
    options.exact_steps = 0;
    const struct tally tally = cases_run(&options, 1.05);
    CHECK(tally.sum / (double)tally.feasible < 1.01);
    CHECK(tally.optimal * 100 >= tally.feasible * 95);
}

TEST(the_exact_search_needs_no_help_of_the_heuristic)
{
    struct iso_plan_options options = iso_plan_options_default;
    options.improve_steps = 0;
    const struct tally tally = cases_run(&options, 1.05);
    CHECK_EQ_U64(tally.optimal, tally.feasible);
}
