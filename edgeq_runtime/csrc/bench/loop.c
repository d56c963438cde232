#include "../posix/eq_ticks.h"
#include "bench.h"

/* struct eq_observer: what a profile of the agent does at every layer boundary. */
struct observer {
    void (*after)(void *context, int index);
    void *context;
};

struct watch {
    uint64_t last, layers[1024];
};

static void stamp(void *context, int index) {
    struct watch *watch = context;
    const uint64_t now = eq_ticks();
    watch->layers[index & 1023] = now - watch->last;
    watch->last = now;
}

static int edgeq_once(const struct eq_bench_edgeq *c) {
    int status = 0;
    for (int i = 0; i < c->input_count; i++)
        status |= c->set_input(c->model, c->arena, c->inputs[i].index, c->inputs[i].type, c->inputs[i].data, c->inputs[i].bytes);
    struct watch watch;
    const struct observer observer = {stamp, &watch};
    if (c->profiled) watch.last = eq_ticks();
    status |= c->run(c->model, c->arena, c->arena_bytes, c->profiled ? &observer : NULL);
    for (int i = 0; i < c->output_count; i++)
        status |= c->get_output(c->model, c->arena, c->outputs[i].index, c->outputs[i].type, c->outputs[i].data, c->outputs[i].bytes);
    return status;
}

uint64_t eq_bench_edgeq(const struct eq_bench_edgeq *c, int n) {
    const uint64_t start = eq_bench_now_ns();
    for (int i = 0; i < n; i++)
        if (edgeq_once(c)) return 0;
    return eq_bench_now_ns() - start;
}

uint64_t eq_bench_litert(const struct eq_bench_litert *c, int n) {
    const uint64_t start = eq_bench_now_ns();
    for (int i = 0; i < n; i++)
        if (c->run(c->model, 0, c->input_count, c->inputs, c->output_count, c->outputs)) return 0;
    return eq_bench_now_ns() - start;
}

uint64_t eq_bench_ort(const struct eq_bench_ort *c, int n) {
    const uint64_t start = eq_bench_now_ns();
    for (int i = 0; i < n; i++)
        if (c->run(c->session, NULL, c->input_names, c->inputs, c->input_count, c->output_names, c->output_count, c->outputs)) return 0;
    return eq_bench_now_ns() - start;
}

uint64_t eq_bench_row_run(int index, const size_t size[3], void *memory, int n) {
    const uint64_t start = eq_bench_now_ns();
    eq_bench_row_call(index, size, memory, n);
    return eq_bench_now_ns() - start;
}
