/* A micro-kernel called again and again on operands that the operators would give it. */
#include "rows.h"
#include "../eq_dispatch.h"
#include "../ops/pack.h"
#include "../ops/pack_b1.h"
#include <string.h>

int eq_bench_row_count(void) { return (int)eq_kernel_count; }

void eq_bench_row(int index, struct eq_bench_row *row) {
    const struct eq_kernel *k = &eq_kernels[index];
    *row = (struct eq_bench_row){eq_kernel_name(k), eq_isa_name(k->isa), k->isa, k->mr, k->nr, k->kr};
}

/* The caller's memory, taken piece by piece; without any (NULL) only counted. */
struct room {
    uint8_t *start;
    size_t used;
};

static void *take(struct room *room, size_t bytes) {
    void *place = room->start ? room->start + room->used : NULL;
    room->used += (bytes + 63) / 64 * 64;
    return place;
}

#define CALLS(type, args, n)                                                                                                               \
    for (int i = 0; i < (n); i++) ((void (*)(const struct type *))kernel->run)(&(args))

static struct eq_rq channel_parameters(struct room *room, size_t channels) {
    int32_t *bias = take(room, channels * 4), *m = take(room, channels * 4);
    int8_t *n = take(room, channels);
    if (room->start) {
        memset(n, 8, channels);
        for (size_t o = 0; o < channels; o++) m[o] = 1 << 30;
    }
    const struct eq_rq rq = {bias, m, n};
    return rq;
}

static void gemm_s8_s16_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t m = size[0], n = size[1], k = eq_gemm_k(kernel, size[2]);
    const struct eq_rq rq = channel_parameters(room, n);
    const int16_t *a = take(room, m * k * sizeof *a);
    const int8_t *w = take(room, eq_gemm_pack_bytes(kernel, n, size[2]));
    const struct eq_gemm_s8_s16_s8 args = {m, n, k, a, k, w, rq, take(room, m * n), n, 0, 0, -128, 127};
    CALLS(eq_gemm_s8_s16_s8, args, calls);
}

static void gemm_s16_s16_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t m = size[0], n = size[1], k = eq_gemm_k(kernel, size[2]);
    const struct eq_rq rq = channel_parameters(room, n);
    const int16_t *a = take(room, m * k * sizeof *a);
    const int8_t *w = take(room, eq_gemm_pack_bytes(kernel, n, size[2]));
    const struct eq_gemm_s16_s16_s8 args = {m, n, k, a, k, w, rq, take(room, m * n * sizeof *args.y), n, INT16_MIN, INT16_MAX};
    CALLS(eq_gemm_s16_s16_s8, args, calls);
}

static void dwconv_s16_s16_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    enum { ACROSS = 3 };
    const size_t pixels = size[0], channels = size[1], taps = size[2], row = (pixels + ACROSS - 1) * channels;
    const struct eq_rq rq = channel_parameters(room, channels);
    const int16_t *x = take(room, (taps / ACROSS + 1) * row * sizeof *x);
    const int8_t *w = take(room, taps * channels);
    size_t *x_at = take(room, taps * sizeof *x_at), *w_at = take(room, taps * sizeof *w_at);
    for (size_t t = 0; x_at && t < taps; t++) {
        x_at[t] = t / ACROSS * row + t % ACROSS * channels;
        w_at[t] = t * channels;
    }
    const struct eq_dwconv_s16_s16_s8 args = {.pixels = pixels,
                                              .channels = channels,
                                              .taps = taps,
                                              .x = x,
                                              .x_at = x_at,
                                              .x_step = channels,
                                              .w = w,
                                              .w_at = w_at,
                                              .rq = rq,
                                              .y = take(room, pixels * channels * sizeof *args.y),
                                              .lo = INT16_MIN,
                                              .hi = INT16_MAX};
    CALLS(eq_dwconv_s16_s16_s8, args, calls);
}

/* All widths have the same members. */
static void gemm_low_wide(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t m = size[0], n = size[1], k = size[2], planes = n * k; /* more than they have */
    const struct eq_gemm_s8_s16_s4 args = {.m = m,
                                           .n = n,
                                           .k = k,
                                           .a = take(room, m * k * sizeof(int16_t)),
                                           .a_stride = k,
                                           .w = take(room, planes),
                                           .depth = k,
                                           .rq = channel_parameters(room, n),
                                           .y = take(room, m * n),
                                           .y_stride = n,
                                           .lo = -128,
                                           .hi = 127,
                                           .low = strstr(kernel->types, "x2") ? take(room, planes) : NULL};
    CALLS(eq_gemm_s8_s16_s4, args, calls);
}

/* All kernels of bands have the same members. */
static void gemm_band(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t m = size[0], n = size[1], k = eq_gemm_k(kernel, size[2]), channels = (n + kernel->nr - 1) / kernel->nr * kernel->nr;
    const struct eq_rq rq = channel_parameters(room, channels);
    const size_t rows_there = kernel->grain && m > 1 ? (m + kernel->mr - 1) / kernel->mr * kernel->mr : m; /* whole panels */
    const uint8_t *a = take(room, rows_there * k);
    uint32_t *rows = take(room, m * sizeof *rows);
    for (size_t i = 0; rows && i < m; i++) rows[i] = (uint32_t)(i * k);
    const int32_t *start = take(room, sizeof *start);
    const struct eq_gemm_s8_u8_s8 args = {.m = m,
                                          .n = n,
                                          .parts = 1,
                                          .k = k,
                                          .a = a,
                                          .rows = rows,
                                          .parts_at = start,
                                          .w = take(room, eq_gemm_s8_bytes(kernel, n, 1, size[2])),
                                          .rq = rq,
                                          .y = take(room, m * n),
                                          .y_stride = n,
                                          .lo = -128,
                                          .hi = 127,
                                          .n_lowest = 8,
                                          .low = strstr(kernel->types, "x2") ? take(room, eq_gemm_s8_bytes(kernel, n, 1, size[2])) : NULL};
    CALLS(eq_gemm_s8_u8_s8, args, calls);
}

/* Of rows that are one piece. */
static struct eq_signs signs_of(const struct eq_kernel *kernel, const size_t size[3], struct room *room) {
    const size_t step = kernel->kr ? kernel->kr : sizeof(uint32_t), bytes = eq_sign_words(size[2]) * sizeof(uint32_t);
    const size_t m = size[0], n = size[1], row = (bytes + step - 1) / step * step;
    uint32_t *rows = take(room, m * sizeof *rows);
    for (size_t i = 0; rows && i < m; i++) rows[i] = (uint32_t)(i * row);
    return (struct eq_signs){.m = m,
                             .n = n,
                             .parts = 1,
                             .steps = row / step,
                             .a = take(room, m * row),
                             .rows = rows,
                             .parts_at = take(room, sizeof(int32_t)),
                             .w = take(room, kernel->kr ? eq_signs_bytes(kernel, n, 1, bytes) : n * size[2]),
                             .depth = size[2],
                             .base = take(room, (n + EQ_SIGNS) * sizeof(int32_t)),
                             .heads = take(room, m * sizeof(uint32_t))};
}

static void gemm_b1_b1_b1(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t words = eq_sign_words(size[1]);
    const struct eq_gemm_b1_b1_b1 args = {signs_of(kernel, size, room), take(room, size[0] * words * sizeof(uint32_t)), words};
    CALLS(eq_gemm_b1_b1_b1, args, calls);
}

static void gemm_s8_b1_b1(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const struct eq_rq rq = channel_parameters(room, size[1] + EQ_SIGNS);
    const struct eq_signs signs = signs_of(kernel, size, room);
    const struct eq_gemm_s8_b1_b1 args = {signs, rq.m, rq.n, take(room, size[0] * size[1]), size[1], 0, -128, 127, 8};
    CALLS(eq_gemm_s8_b1_b1, args, calls);
}

static void sign_b1_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t words = eq_sign_words(size[1]);
    const struct eq_sign_b1_s8_s8 args = {.rows = size[0],
                                          .channels = size[1],
                                          .x = take(room, size[0] * size[1]),
                                          .limits = take(room, words * EQ_SIGNS),
                                          .keep = take(room, words * sizeof(uint32_t)),
                                          .flip = take(room, words * sizeof(uint32_t)),
                                          .y = take(room, size[0] * words * sizeof(uint32_t))};
    CALLS(eq_sign_b1_s8_s8, args, calls);
}

static void unpack_s8_b1_b1(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const uint32_t *x = take(room, size[0] * eq_sign_words(size[1]) * sizeof *x);
    const struct eq_unpack_s8_b1_b1 args = {size[0], size[1], x, 1, -1, take(room, size[0] * size[1])};
    CALLS(eq_unpack_s8_b1_b1, args, calls);
}

static void dwconv_s8_u8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    enum { ROWS = 4, WIDTH = 3 };
    const size_t pixels = size[0] / ROWS, channels = size[1], height = size[2] / WIDTH, columns = pixels + WIDTH - 1;
    const size_t padded = (channels + kernel->nr - 1) / kernel->nr * kernel->nr;
    const struct eq_rq rq = channel_parameters(room, padded);
    const int8_t *x = take(room, (ROWS + height) * columns * channels), **lines = take(room, (ROWS + height) * sizeof *lines);
    for (size_t i = 0; lines && i < ROWS + height; i++) lines[i] = x + i * columns * channels;
    const struct eq_dwconv_s8_u8_s8 args = {.rows = ROWS,
                                            .pixels = pixels,
                                            .channels = channels,
                                            .kh = height,
                                            .kw = WIDTH,
                                            .lines = lines,
                                            .columns = columns,
                                            .stride_h = 1,
                                            .stride_w = 1,
                                            .dilation_h = 1,
                                            .dilation_w = 1,
                                            .w = take(room, padded * WIDTH * (height + kernel->kr)),
                                            .rq = rq,
                                            .y = take(room, ROWS * pixels * channels),
                                            .lo = -128,
                                            .hi = 127};
    CALLS(eq_dwconv_s8_u8_s8, args, calls);
}

static void add_s8_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const int8_t *a = take(room, size[0]), *b = take(room, size[0]);
    const struct eq_add_s8_s8_s8 args = {size[0], a, b, 1, 1, take(room, size[0]), 1 << 14, 1 << 14, 1 << 14, 15, 0, -128, 127};
    CALLS(eq_add_s8_s8_s8, args, calls);
}

static void lookup_s8_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const int8_t *x = take(room, size[0]), *table = take(room, 256);
    const struct eq_lookup_s8_s8_s8 args = {size[0], x, table, take(room, size[0])};
    CALLS(eq_lookup_s8_s8_s8, args, calls);
}

static void maxpool_s8_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    enum { ACROSS = 3 };
    const size_t pixels = size[0], channels = size[1], rows = size[2] / ACROSS, row = (2 * pixels + 1) * channels;
    const int8_t *x = take(room, rows * row);
    const struct eq_maxpool_s8_s8_s8 args = {pixels, channels, rows, ACROSS, row, channels, 2 * channels, x, take(room, pixels * channels),
                                             -128,   127};
    CALLS(eq_maxpool_s8_s8_s8, args, calls);
}

static void sum_s32_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t channels = size[1], taps = size[2];
    const int8_t *x = take(room, channels * taps);
    const struct eq_sum_s32_s8_s8 args = {channels, 1, taps, 0, channels, x, take(room, channels * sizeof(int32_t))};
    CALLS(eq_sum_s32_s8_s8, args, calls);
}

static void dwconv_s8_s8_s8(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    enum { MOST_TAPS = 64, ACROSS = 3 };
    const size_t pixels = size[0], channels = size[1], taps = size[2];
    const struct eq_rq rq = channel_parameters(room, channels);
    const void *w = take(room, kernel->kr ? eq_dwconv_pack_bytes(kernel, taps, channels) : taps * channels);
    const size_t row = (pixels + ACROSS - 1) * channels;
    const int8_t *x = take(room, (taps / ACROSS + 1) * row), *places[MOST_TAPS];
    int8_t *y = take(room, pixels * channels);
    for (size_t t = 0; x && t < taps; t++) places[t] = x + t / ACROSS * row + t % ACROSS * channels;
    const struct eq_stretch_s8 stretch = {pixels, places, y};
    const struct eq_dwconv_s8_s8_s8 args = {
        .count = 1, .channels = channels, .taps = taps, .stretches = &stretch, .x_step = channels, .w = w, .rq = rq, .lo = -128, .hi = 127};
    CALLS(eq_dwconv_s8_s8_s8, args, calls);
}

static void gemm_f32_f32_f32(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    const size_t m = size[0], n = size[1], k = size[2];
    const float *a = take(room, m * k * 4), *w = take(room, n * k * 4), *bias = take(room, n * 4);
    const struct eq_gemm_f32_f32_f32 args = {m, n, k, a, k, w, bias, take(room, m * n * 4), n, -1e30f, 1e30f};
    CALLS(eq_gemm_f32_f32_f32, args, calls);
}

static void dwconv_f32_f32_f32(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls) {
    enum { MOST_TAPS = 64, ACROSS = 3 };
    const size_t pixels = size[0], channels = size[1], taps = size[2];
    const size_t row = (pixels + ACROSS - 1) * channels;
    const float *x = take(room, (taps / ACROSS + 1) * row * 4), *w = take(room, taps * channels * 4), *bias = take(room, channels * 4);
    const float *places[MOST_TAPS], *weights[MOST_TAPS];
    float *y = take(room, pixels * channels * 4);
    for (size_t t = 0; x && t < taps; t++) {
        places[t] = x + t / ACROSS * row + t % ACROSS * channels;
        weights[t] = w + t * channels;
    }
    const struct eq_dwconv_f32_f32_f32 args = {pixels, channels, taps, places, weights, channels, bias, y, -1e30f, 1e30f};
    CALLS(eq_dwconv_f32_f32_f32, args, calls);
}

/* Which sizes a family takes, beside the bounds of all. */
static int rows_of_one_call(const struct eq_kernel *kernel, const size_t size[3]) { return size[0] <= kernel->mr; }
static int any(const struct eq_kernel *kernel, const size_t size[3]) { return kernel && size; }
static int lines_of_three(const struct eq_kernel *kernel, const size_t size[3]) { return kernel && size[2] % 3 == 0; }
static int few_taps(const struct eq_kernel *kernel, const size_t size[3]) { return lines_of_three(kernel, size) && size[2] < 64; }
static int four_lines(const struct eq_kernel *kernel, const size_t size[3]) { return few_taps(kernel, size) && size[0] % 4 == 0; }
static int one_line(const struct eq_kernel *kernel, const size_t size[3]) { return kernel && size[0] == 1; }
static int no_taps(const struct eq_kernel *kernel, const size_t size[3]) { return kernel && size[2] == 1; }
static int flat(const struct eq_kernel *kernel, const size_t size[3]) { return kernel && size[1] == 1 && size[2] == 1; }

static const struct family {
    const char *kernel;
    void (*run)(const struct eq_kernel *kernel, const size_t size[3], struct room *room, int calls);
    int (*fits)(const struct eq_kernel *kernel, const size_t size[3]);
    int fast; /* operators take it only where it is more than portable */
} families[] = {
    {"gemm_s8_s8_s8", gemm_band, any, 1},
    {"gemm_s8_u8_s8", gemm_band, any, 1},
    {"gemm_s8_s16_s8", gemm_s8_s16_s8, rows_of_one_call, 0},
    {"gemm_s8_s8_s4", gemm_band, any, 1},
    {"gemm_s8_u8_s4", gemm_band, any, 1},
    {"gemm_s8_s16_s4", gemm_low_wide, rows_of_one_call, 0},
    {"gemm_s8_s8_s2", gemm_band, any, 1},
    {"gemm_s8_u8_s2", gemm_band, any, 1},
    {"gemm_s8_s16_s2", gemm_low_wide, rows_of_one_call, 0},
    {"gemm_s8_s8_b1", gemm_band, any, 1},
    {"gemm_s8_u8_b1", gemm_band, any, 1},
    {"gemm_s8_s16_b1", gemm_low_wide, rows_of_one_call, 0},
    {"gemm_s8_s8_s4x2", gemm_band, any, 1},
    {"gemm_s8_u8_s4x2", gemm_band, any, 1},
    {"gemm_s8_s16_s4x2", gemm_low_wide, rows_of_one_call, 0},
    {"gemm_b1_b1_b1", gemm_b1_b1_b1, any, 0},
    {"gemm_s8_b1_b1", gemm_s8_b1_b1, any, 0},
    {"sign_b1_s8_s8", sign_b1_s8_s8, no_taps, 0},
    {"unpack_s8_b1_b1", unpack_s8_b1_b1, no_taps, 0},
    {"gemm_s16_s16_s8", gemm_s16_s16_s8, rows_of_one_call, 0},
    {"gemm_f32_f32_f32", gemm_f32_f32_f32, rows_of_one_call, 0},
    {"dwconv_s8_u8_s8", dwconv_s8_u8_s8, four_lines, 1},
    {"dwconv_s8_s8_s8", dwconv_s8_s8_s8, few_taps, 0},
    {"dwconv_s8_s8_s4", dwconv_s8_s8_s8, few_taps, 0},
    {"dwconv_s8_s8_s4x2", dwconv_s8_s8_s8, few_taps, 0},
    {"dwconv_s16_s16_s8", dwconv_s16_s16_s8, few_taps, 0},
    {"dwconv_f32_f32_f32", dwconv_f32_f32_f32, few_taps, 0},
    {"add_s8_s8_s8", add_s8_s8_s8, flat, 0},
    {"lookup_s8_s8_s8", lookup_s8_s8_s8, flat, 0},
    {"maxpool_s8_s8_s8", maxpool_s8_s8_s8, lines_of_three, 0},
    {"sum_s32_s8_s8", sum_s32_s8_s8, one_line, 0},
};

static const struct family *family_of(int index) {
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        if (!strcmp(families[f].kernel, eq_kernel_name(&eq_kernels[index]))) return &families[f];
    return NULL;
}

int eq_bench_row_here(int index, uint32_t isas) { return eq_kernels[index].run && (isas >> eq_kernels[index].isa & 1); }

int eq_bench_row_chosen(int index, uint32_t isas) {
    const struct eq_kernel *kernel = &eq_kernels[index];
    const struct family *family = family_of(index);
    if (!family || kernel != eq_select(kernel->family, kernel->types, isas)) return 0;
    return kernel->isa != EQ_ISA_portable || !family->fast;
}

size_t eq_bench_row_bytes(int index, const size_t size[3]) {
    const struct family *family = family_of(index);
    struct room room = {NULL, 0};
    uint64_t work = 1;
    for (int i = 0; i < 3; i++) {
        if (size[i] < 1 || size[i] > 65536) return 0;
        work *= size[i];
    }
    if (strstr(eq_kernels[index].types, "_b1_b1")) work /= 8;
    if (!family || !eq_kernels[index].run || work > EQ_BENCH_MOST_WORK || !family->fits(&eq_kernels[index], size)) return 0;
    family->run(&eq_kernels[index], size, &room, 0);
    return room.used;
}

void eq_bench_row_call(int index, const size_t size[3], void *memory, int n) {
    struct room room = {memory, 0};
    family_of(index)->run(&eq_kernels[index], size, &room, n);
}
