/* Time n calls of an engine through its C API, in thread CPU time: no interpreter between the calls. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One input and one output, copied in and out as an application does. The result is 0 where a call failed. */
struct edgeq_case {
    int (*set_input)(const void *model, void *arena, int index, int type, const void *data, size_t bytes);
    int (*run)(const void *model, void *arena, size_t arena_bytes, const void *observer);
    int (*get_output)(const void *model, const void *arena, int index, int type, void *data, size_t bytes);
    void *model, *arena;
    size_t arena_bytes;
    int input_type, output_type;
    const void *input;
    size_t input_bytes;
    void *output;
    size_t output_bytes;
};

uint64_t bench_edgeq(const struct edgeq_case *c, int n) {
    uint64_t start = now_ns();
    for (int i = 0; i < n; i++)
        if (c->set_input(c->model, c->arena, 0, c->input_type, c->input, c->input_bytes) ||
            c->run(c->model, c->arena, c->arena_bytes, NULL) ||
            c->get_output(c->model, c->arena, 0, c->output_type, c->output, c->output_bytes))
            return 0;
    return now_ns() - start;
}

struct litert_case {
    int (*run)(void *model, size_t signature, size_t input_count, void **inputs, size_t output_count, void **outputs);
    void *model;
    size_t input_count, output_count;
    void **inputs, **outputs;
};

uint64_t bench_litert(const struct litert_case *c, int n) {
    uint64_t start = now_ns();
    for (int i = 0; i < n; i++)
        if (c->run(c->model, 0, c->input_count, c->inputs, c->output_count, c->outputs)) return 0;
    return now_ns() - start;
}
