/* nbody: five bodies under gravity, symplectic steps; doubles in memory, square
 * roots and divisions. */
#include "kernel.h"

#define BODIES 5

struct body {
    double position[3], velocity[3], mass;
};

static struct body bodies[BODIES];

static KERNEL_NOINLINE void step(double dt)
{
    for (uint32_t i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];

        for (uint32_t j = i + 1; j < BODIES; j++) {
            struct body *q = &bodies[j];
            double dx = p->position[0] - q->position[0];
            double dy = p->position[1] - q->position[1];
            double dz = p->position[2] - q->position[2];
            double square = dx * dx + dy * dy + dz * dz + 0.01;
            double pull = dt / (square * __builtin_sqrt(square));

            p->velocity[0] -= dx * q->mass * pull;
            p->velocity[1] -= dy * q->mass * pull;
            p->velocity[2] -= dz * q->mass * pull;
            q->velocity[0] += dx * p->mass * pull;
            q->velocity[1] += dy * p->mass * pull;
            q->velocity[2] += dz * p->mass * pull;
        }
    }
    for (uint32_t i = 0; i < BODIES; i++) {
        bodies[i].position[0] += dt * bodies[i].velocity[0];
        bodies[i].position[1] += dt * bodies[i].velocity[1];
        bodies[i].position[2] += dt * bodies[i].velocity[2];
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 2463534242U;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < BODIES; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            bodies[i].position[k] = (double)(random_next(&seed) & 0xffff) / 4096.0 - 8.0;
            bodies[i].velocity[k] = (double)(random_next(&seed) & 0xffff) / 65536.0 - 0.5;
        }
        bodies[i].mass = 1.0 + (double)i * 0.25;
    }
    for (uint32_t i = 0; i < n; i++)
        step(0.001);
    for (uint32_t i = 0; i < BODIES; i++) {
        for (uint32_t k = 0; k < 3; k++)
            sum = checksum_add(sum, double_bits(bodies[i].position[k]));
    }
    return sum;
}
