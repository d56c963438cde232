/* libedgeq-bench: time kernels, engines and the CPU's own peak without an interpreter between the calls. All times are thread CPU
 * time in ns of n calls; 0 where a call failed or this CPU cannot do it. */
#ifndef EQ_BENCH_H
#define EQ_BENCH_H
#include "rows.h"
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t eq_bench_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* An input or output that has to be converted in every call, and the application's side of it. */
struct eq_bench_edge {
    int index, type; /* enum eq_type */
    void *data;
    size_t bytes;
};

/* What needs no conversion lies where the model reads and writes it, as in the other engines. */
struct eq_bench_edgeq {
    int (*set_input)(const void *model, void *arena, int index, int type, const void *data, size_t bytes);
    int (*run)(const void *model, void *arena, size_t arena_bytes, const void *observer);
    int (*get_output)(const void *model, const void *arena, int index, int type, void *data, size_t bytes);
    void *model, *arena;
    size_t arena_bytes;
    struct eq_bench_edge *inputs, *outputs;
    int input_count, output_count;
    int profiled; /* with a stamp after each layer, as the agent takes them */
};
uint64_t eq_bench_edgeq(const struct eq_bench_edgeq *c, int n);

/* LiteRtRunCompiledModel. */
struct eq_bench_litert {
    int (*run)(void *model, size_t signature, size_t input_count, void **inputs, size_t output_count, void **outputs);
    void *model;
    size_t input_count, output_count;
    void **inputs, **outputs;
};
uint64_t eq_bench_litert(const struct eq_bench_litert *c, int n);

/* OrtApi.Run over tensors that lie in the caller's memory. */
struct eq_bench_ort {
    void *(*run)(void *session, const void *options, const char *const *input_names, void *const *inputs, size_t input_count,
                 const char *const *output_names, size_t output_count, void **outputs);
    void *session;
    const char **input_names, **output_names;
    void **inputs, **outputs;
    size_t input_count, output_count;
};
uint64_t eq_bench_ort(const struct eq_bench_ort *c, int n);

/* n calls of a row (rows.h). */
uint64_t eq_bench_row_run(int index, const size_t size[3], void *memory, int n);

/* Loops of one instruction over independent registers: what the CPU can do at most. */
int eq_bench_peak_count(void);
const char *eq_bench_peak_name(int index); /* "vpdpbusd zmm" */
uint64_t eq_bench_peak_macs(int index);    /* multiply-adds of one call */
uint64_t eq_bench_peak(int index, int n);
/* Read `bytes` (a multiple of 512) from the start, with the widest loads. */
uint64_t eq_bench_read(const void *data, size_t bytes, int n);
#endif
