/* Time every layer of every run and stream it; what to make of it is the host's work. */
#include "../eq_has.h"
#include "eq_agent.h"

struct watch {
    struct eq_agent *agent;
    uint64_t *layers;
    uint64_t start, last; /* ticks */
};

enum { LONG = 1 << 26 /* ticks: 16 ms of a fast counter, 3 s of a slow one */ };

static void after(void *context, int index) {
    struct watch *watch = context;
    const uint64_t now = eq_port_ticks();
    watch->layers[index] = now - watch->last;
    watch->last = now;
    if (now - watch->start >= LONG) (void)eq_agent_alive(watch->agent); /* shorter runs show it between them, untimed */
}

/* part / whole of ns, to 32 bits of precision and without floating point; part is no more than whole. */
static uint64_t share(uint64_t part, uint64_t whole, uint64_t ns) {
    int up = 0;
    for (; whole >> 32; whole >>= 1) part >>= 1;
    for (; ns >> 32; ns >>= 1) up++;
    return whole ? (part * ns + whole / 2) / whole << up : 0;
}

/* Ticks to nanoseconds: the run itself tells how long they are. */
static void scale(const struct eq_agent_model *m, uint64_t ticks, uint64_t ns) {
    for (int i = 0; i < eq_op_count(m->model); i++) m->layers[i] = share(m->layers[i], ticks, ns);
}

/* The same inputs for every run: bytes of a generator, floats in [-1, 1). Their memory is reused during a run. */
static int fill_inputs(struct eq_agent *agent) {
    struct eq_agent_model *m = &agent->model;
    struct eq_edge e;
    uint32_t x = 1;
    for (int i = 0; i < eq_input_count(m->model); i++) {
        (void)eq_input(m->model, i, &e);
        int integers = eq_agent_integers(m->model, 0, i), type = integers ? integers : e.type;
        size_t size = integers ? e.inner_bytes : e.bytes;
        uint8_t *data = m->inputs[i].data;
        for (size_t at = 0; at < size; at++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            data[at] = (uint8_t)(x >> 24);
        }
        for (size_t at = 0; EQ_HAS(float_edges) && type == EQ_TYPE_f32 && at < size / 4; at++)
            ((float *)(void *)data)[at] = (float)(int8_t)data[4 * at + 3] / 128.0f;
        agent->detail = eq_set_input(m->model, m->arena, i, type, data, size);
        if (agent->detail) return EQ_FAULT_argument;
        m->inputs[i].filled = 0;
    }
    return 0;
}

/* Layers of one run in as many messages as they need. */
static int send_timing(struct eq_agent *agent, uint32_t run, uint64_t total_ns) {
    const struct eq_agent_model *m = &agent->model;
    uint32_t count = (uint32_t)eq_op_count(m->model), part = (agent->info.limits.max_message - 32u) / 4;
    uint8_t *bytes = (uint8_t *)m->layers; /* in place: each is shorter than what it comes from */
    for (uint32_t i = 0; i < count; i++)
        eq_store_u32(bytes + 4 * (size_t)i, m->layers[i] < UINT32_MAX ? (uint32_t)m->layers[i] : UINT32_MAX);
    for (uint32_t first = 0; first < count; first += part) {
        struct eq_bytes blob = {bytes + 4 * (size_t)first, 4 * (size_t)(count - first < part ? count - first : part)};
        if (EQ_SEND(agent, timing, run, first, total_ns, blob)) return -1;
    }
    return 0;
}

EQ_HANDLER(profile) {
    struct eq_agent_model *m = &agent->model;
    if (!m->model) return EQ_FAULT_order;
    if (message->runs == 0 || message->runs > 1000000 || message->warmup > 1000000) return EQ_FAULT_argument;
    uint32_t runs = message->runs, warmup = message->warmup;
    for (uint32_t i = 0; i < warmup + runs; i++) {
        int fault = fill_inputs(agent), stop;
        if (fault) return fault;
        const uint64_t start = eq_port_time_ns(), first = eq_port_ticks();
        struct watch watch = {agent, m->layers, first, first};
        struct eq_observer observer = {after, &watch};
        agent->detail = eq_run_on(m->model, m->arena, m->plan.arena_bytes, m->workers, &observer);
        if (agent->detail) return EQ_FAULT_model;
        const uint64_t total = eq_port_time_ns() - start;
        scale(m, watch.last - first, total);
        if (i >= warmup && send_timing(agent, i - warmup, total)) return -1;
        if ((stop = eq_agent_stopped(agent)) < 0) return -1;
        if (stop) break;
    }
    return eq_agent_done(agent);
}
