/* Time the kernels of a family on one problem; what a device does with a network the host makes of it. */
#include "../bench/rows.h"
#include "eq_agent.h"
#include <string.h>

enum { MOST_ROUNDS = 101, MOST_CALLS = 1 << 20 };
#define SAMPLE_NS 2000000u /* of one round: reading the clock costs hundreds of ns */

struct problem {
    int index;
    size_t size[3];
    void *memory;
};

static uint64_t time_calls(const struct problem *p, int calls) {
    const uint64_t start = eq_port_cpu_ns();
    eq_bench_row_call(p->index, p->size, p->memory, calls);
    return eq_port_cpu_ns() - start;
}

static void insert(float *sorted, int count, float value) {
    for (; count > 0 && sorted[count - 1] > value; count--) sorted[count] = sorted[count - 1];
    sorted[count] = value;
}

/* Median ns of a call; 0: told to stop, -1: the host is gone. */
static float measure(struct eq_agent *agent, const struct problem *p, int rounds) {
    float samples[MOST_ROUNDS];
    int calls = 1, stop = eq_agent_stopped(agent);
    while (!stop && calls < MOST_CALLS && time_calls(p, calls) < SAMPLE_NS / 2) { /* warms up, too */
        calls *= 2;
        stop = eq_agent_stopped(agent);
    }
    for (int i = 0; i < rounds && !stop; i++) {
        insert(samples, i, (float)time_calls(p, calls) / (float)calls);
        stop = eq_agent_stopped(agent);
    }
    return stop ? (stop < 0 ? -1.0f : 0.0f) : samples[rounds / 2];
}

/* 0; 1: told to stop; -1: the host is gone. */
static int bench_row(struct eq_agent *agent, struct problem *p, int rounds) {
    struct eq_bench_row row;
    float ns = 0;
    eq_bench_row(p->index, &row);
    p->memory = eq_port_alloc(eq_bench_row_bytes(p->index, p->size));
    if (p->memory) ns = measure(agent, p, rounds);
    eq_port_free(p->memory);
    if (p->memory && ns <= 0) return ns < 0 ? -1 : 1;
    return EQ_SEND(agent, speed, eq_text(row.kernel), eq_text(row.isa), (uint32_t)p->size[0], (uint32_t)p->size[1], (uint32_t)p->size[2],
                   p->memory ? 0 : EQ_FAULT_memory, ns);
}

/* Whether the row is of the family and takes the size, which is filled in. */
static int is_meant(const struct eq_msg_bench *message, struct problem *p) {
    struct eq_bench_row row;
    eq_bench_row(p->index, &row);
    const size_t n = message->family.size;
    if (strlen(row.kernel) <= n || row.kernel[n] != '_' || memcmp(row.kernel, message->family.data, n)) return 0;
    const size_t size[3] = {message->rows ? message->rows : (size_t)row.mr, message->channels, message->inputs};
    memcpy(p->size, size, sizeof size);
    return eq_bench_row_bytes(p->index, p->size) != 0;
}

/* A size that none of the rows there takes has no answer; one that no row of this build takes is wrong. */
EQ_HANDLER(bench) {
    int meant = 0, end = 0;
    if (message->rounds == 0 || message->rounds > MOST_ROUNDS) return EQ_FAULT_argument;
    for (int i = 0; i < eq_bench_row_count() && !end; i++) {
        struct problem p = {.index = i};
        if (!is_meant(message, &p)) continue;
        meant = 1;
        if ((message->all ? eq_bench_row_here : eq_bench_row_chosen)(i, agent->info.isas)) end = bench_row(agent, &p, message->rounds);
    }
    if (end < 0) return -1;
    return meant ? eq_agent_done(agent) : EQ_FAULT_argument;
}
