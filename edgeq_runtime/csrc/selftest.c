/* One harness for every row of kernels.def that this CPU runs: the portable row of its family is the answer, sizes are the edges of the
 * tiles, fills are the extremes, inputs end at a page that cannot be read, and no byte beside the output may change. */
#include "eq_dispatch.h"
#include "eq_round.h"
#include "ops/pack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILLS = 7, TIES = 6, SKEWS = 4, ROOM = 1 << 18, MAX_CHANNELS = 96, MAX_TAPS = 64, MAX_ROWS = 64 };
/* Fill 0, 1: random. 2..5: one extreme of the activations against one of the weights. 6: results that lie halfway between two integers
 * in a quarter of all lanes and more, and rarely meet a clamp. */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct eq_kernel *tested;
static int fill_kind;
static size_t skew;
static long cases;

static uint32_t rng;
static uint32_t next(void) {
    rng ^= rng << 13;
    rng ^= rng >> 17;
    rng ^= rng << 5;
    return rng;
}
static int32_t between(int32_t lo, int32_t hi) { return (int32_t)((uint32_t)lo + next() % ((uint32_t)hi - (uint32_t)lo + 1)); }

/* Memory whose end is followed by a page without access. */
static uint8_t *guarded(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + ROOM, page, PROT_NONE) != 0) {
        perror("selftest: guarded memory");
        exit(2);
    }
    return memory + ROOM;
}

static uint8_t *activation_end, *weight_end, *packed_end, *params_end;
static uint8_t outputs[2][8192];

/* The last `count` elements before a guard; a skew moves them down and takes their alignment away. */
static void *tail(uint8_t *end, size_t count, size_t element) { return end - (count + skew) * element; }

static int extreme(int which, int32_t lo, int32_t hi) { return which ? hi : lo; }

static int32_t value(int32_t lo, int32_t hi, int high) {
    return fill_kind == TIES ? between(-2, 2) : fill_kind < 2 ? between(lo, hi) : extreme(high, lo, hi);
}
static void fill_s16(int16_t *a, size_t n) {
    for (size_t i = 0; i < n; i++) a[i] = (int16_t)value(-255, 255, fill_kind & 1);
}
static void fill_s8(int8_t *a, size_t n, int high) {
    for (size_t i = 0; i < n; i++) a[i] = (int8_t)value(-128, 127, high);
}

/* Random magnitudes, then denormals, zeros of both signs, the largest numbers, infinities. */
static void fill_f32(float *a, size_t n) {
    static const uint32_t exponents[FILLS][2] = {{120, 127}, {90, 160}, {0, 1}, {0, 0}, {250, 254}, {253, 255}, {127, 130}};
    for (size_t i = 0; i < n; i++) {
        const uint32_t exponent = (uint32_t)between((int32_t)exponents[fill_kind][0], (int32_t)exponents[fill_kind][1]);
        const uint32_t mantissa = exponent == 255 || (fill_kind == 3 && next() % 2) ? 0 : next() & 0x7fffff;
        const uint32_t bits = (next() & 0x80000000u) | exponent << 23 | mantissa;
        memcpy(a + i, &bits, sizeof bits);
    }
}

static int32_t weight_zero(void) {
    if (next() % 3) return 0;
    return fill_kind == TIES ? between(-1, 1) : between(0, 1) ? between(-128, 127) : extreme(!(fill_kind & 2), -128, 127);
}

static struct eq_rq fill_rq(size_t channels) {
    int8_t *n = tail(params_end, channels, 1);
    int32_t *bias = (void *)(params_end - ROOM / 2 - (channels + skew) * 4), *m = bias + channels;
    for (size_t o = 0; o < channels; o++) {
        if (fill_kind == TIES) { /* acc 2^-(n+1); n = 0 for some skews: the channels that are shifted left */
            bias[o] = between(-20, 20);
            m[o] = 1 << 30;
            n[o] = (int8_t)between(skew & 1 ? 0 : 1, 3);
            continue;
        }
        bias[o] = fill_kind == 1 ? between(-(1 << 30), (1 << 30) - 1) : between(-100000, 100000);
        m[o] = next() % 16 ? between(1 << 30, INT32_MAX) : next() % 2 ? 0 : INT32_MAX;
        n[o] = (int8_t)(next() % 4 ? between(2, 20) : between(EQ_RQ_N_MIN, EQ_RQ_N_MAX));
    }
    const struct eq_rq rq = {bias, m, n};
    return rq;
}

static void prepare_outputs(void) {
    cases++;
    for (size_t i = 0; i < sizeof outputs[0]; i++) outputs[0][i] = outputs[1][i] = (uint8_t)(0xa5 ^ i);
}

/* Both outputs with everything around them; two NaN are equal. */
static int compare(const char *sizes, size_t element) {
    for (size_t i = 0; i < sizeof outputs[0]; i += element) {
        long want = (int8_t)outputs[0][i], got = (int8_t)outputs[1][i];
        if (element == 4) {
            float a, b;
            memcpy(&a, outputs[0] + i, 4);
            memcpy(&b, outputs[1] + i, 4);
            if (a != a && b != b) continue;
        }
        if (!memcmp(outputs[0] + i, outputs[1] + i, element)) continue;
        if (element == 4) {
            uint32_t bits[2];
            memcpy(bits, outputs[0] + i, 4);
            memcpy(bits + 1, outputs[1] + i, 4);
            want = (long)bits[0];
            got = (long)bits[1];
        }
        printf("FAIL %s__%s fill=%d skew=%zu %s byte=%zu want=%ld got=%ld\n", eq_kernel_name(tested), eq_isa_name(tested->isa), fill_kind,
               skew, sizes, i, want, got);
        return 1;
    }
    return 0;
}

static void *output(int which, size_t element) { return outputs[which] + 64 + skew * element; }

#define RUN(kernel, type, args) ((void (*)(const struct type *))(kernel)->run)(args)

static int gemm_s8(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t padded = eq_gemm_k(tested, k), stride = padded + (size_t)between(0, 3);
    int16_t *a = tail(activation_end, m * stride - (stride - padded), 2);
    int8_t *w = tail(weight_end, n * k, 1), *packed = tail(packed_end, eq_gemm_pack_bytes(tested, n, k), 1);
    fill_s16(a, m * stride - (stride - padded));
    for (size_t i = 0; i < m; i++) memset(a + i * stride + k, 0, (padded - k) * sizeof *a);
    fill_s8(w, n * k, fill_kind & 2);
    eq_gemm_pack(tested, n, k, w, k, 1, packed);
    struct eq_gemm_s8_s16_s8 args = {m, n, k, a, stride, w, fill_rq(n), output(0, 1), n + skew, 0, between(-128, 127), -128, 127};
    args.w_zero = weight_zero();
    if (next() % 4 == 0) args.lo = between(-128, 0), args.hi = between(0, 127);
    prepare_outputs();
    RUN(portable, eq_gemm_s8_s16_s8, &args);
    args.k = padded;
    args.w = packed;
    args.y = output(1, 1);
    RUN(tested, eq_gemm_s8_s16_s8, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu stride=%zu w_zero=%d", m, n, k, stride, (int)args.w_zero);
    return compare(sizes, 1);
}

/* Both have the same members. */
union args {
    struct eq_gemm_s8_u8_s8 u8;
    struct eq_gemm_s8_s8_s8 s8;
};

static void run_band(const struct eq_kernel *kernel, const union args *args) {
    if (!strcmp(kernel->types, "s8_u8_s8")) RUN(kernel, eq_gemm_s8_u8_s8, &args->u8);
    else RUN(kernel, eq_gemm_s8_s8_s8, &args->s8);
}

static int gemm_band(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[96];
    enum { PARTS = 3, MOST_ROWS = 32 };
    const size_t parts = k % PARTS || k > 64 ? 1 : PARTS, part = k / parts, padded = eq_gemm_k(tested, part),
                 step = part + (size_t)between(0, 3);
    const int is_unsigned = !strcmp(tested->types, "s8_u8_s8");
    uint32_t rows[MOST_ROWS];
    int32_t parts_at[PARTS];
    const size_t span = (m - 1) * step, used = span + (parts - 1) * padded + padded;
    uint8_t *a = tail(activation_end, used, 1);
    int8_t *w = tail(weight_end, n * k, 1);
    fill_s8((int8_t *)a, used, fill_kind & 1);
    if (is_unsigned)
        for (size_t i = 0; i < used; i++) a[i] ^= 0x80;
    for (size_t i = 0; i < m; i++) rows[i] = (uint32_t)(step * ((i + 1) % m));
    for (size_t i = 0; i < parts; i++) parts_at[i] = (int32_t)(padded * (parts - 1 - i));
    fill_s8(w, n * k, fill_kind & 2);
    if (next() % 2)
        for (size_t i = 0; i < n * k; i++) w[i] = (int8_t)(w[i] == -128 ? -127 : w[i]);
    const int32_t w_zero = next() % 3 ? 0 : between(0, 1) ? between(-128, 127) : extreme(!(fill_kind & 2), -128, 127);
    void *memory = packed_end - eq_gemm_s8_packed_at(tested, n, parts * padded, NULL).bytes;
    const struct eq_rq rq = fill_rq(n);
    const struct eq_matrix matrix = {w, n, parts, part, k, part, 1};
    eq_gemm_s8_pack(tested, &matrix, &rq, 0, w_zero, memory);
    const struct eq_gemm_s8_packed p = eq_gemm_s8_packed_at(tested, n, parts * padded, memory);
    union args args = {.u8 = {m, n, parts, part, a, rows, parts_at, w, rq, output(0, 1), n + skew, w_zero, between(-128, 127), -128, 127,
                              *p.w_lowest, *p.n_lowest}};
    if (next() % 4 == 0) args.u8.lo = between(-128, 0), args.u8.hi = between(0, 127);
    prepare_outputs();
    run_band(portable, &args);
    args.u8.w = p.w;
    args.u8.rq = (struct eq_rq){p.bias, p.m, p.n};
    args.u8.y = output(1, 1);
    run_band(tested, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu k=%zu step=%zu w_zero=%d", m, n, parts, part, step, (int)w_zero);
    return compare(sizes, 1);
}

static int dwconv_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[80];
    const int8_t *x[MAX_TAPS], *single[MAX_TAPS];
    const size_t step = channels * (size_t)between(1, 2), stretch = (pixels - 1) * step + channels;
    int8_t *first = tail(activation_end, stretch + 13 * taps, 1), *w = tail(weight_end, taps * channels, 1);
    fill_s8(first, stretch + 13 * taps, fill_kind & 1);
    fill_s8(w, taps * channels, fill_kind & 2);
    const size_t last = next() % taps; /* the tap that ends at the guard */
    for (size_t t = 0; t < taps; t++) {
        x[t] = first + 13 * (taps - (t + taps - last) % taps);
        single[t] = first + stretch + 13 * taps - channels - t;
    }
    const struct eq_stretch_s8 want[] = {{pixels, x, output(0, 1)}, {1, single, (int8_t *)output(0, 1) + pixels * channels + 5}};
    const struct eq_stretch_s8 got[] = {{pixels, x, output(1, 1)}, {1, single, (int8_t *)output(1, 1) + pixels * channels + 5}};
    struct eq_dwconv_s8_s8_s8 args = {.count = (size_t)between(1, 2),
                                      .channels = channels,
                                      .taps = taps,
                                      .stretches = want,
                                      .x_step = step,
                                      .w = w,
                                      .rq = fill_rq(channels),
                                      .x_zero = extreme(!(fill_kind & 1), -128, 127),
                                      .y_zero = between(-128, 127),
                                      .lo = -128,
                                      .hi = 127};
    if (fill_kind < 2) args.x_zero = between(-128, 127);
    if (fill_kind == TIES) args.x_zero = between(-1, 1);
    args.w_zero = weight_zero();
    if (next() % 4 == 0) args.lo = between(-128, 0), args.hi = between(0, 127);
    prepare_outputs();
    RUN(portable, eq_dwconv_s8_s8_s8, &args);
    if (tested->kr) {
        int16_t *packed = tail(packed_end, eq_dwconv_pack_bytes(tested, taps, channels) / 2, 2);
        eq_dwconv_pack(tested, taps, channels, w, args.w_zero, packed);
        args.w = packed;
    }
    args.stretches = got;
    RUN(tested, eq_dwconv_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu x_zero=%d w_zero=%d", pixels, channels, taps, (int)args.x_zero,
             (int)args.w_zero);
    return compare(sizes, 1);
}

/* A window of height `taps` or its root, over rows that end at the guard. */
static int dwconv_unsigned(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[96];
    const size_t kw = taps == 9 ? 3 : taps == 25 ? 5 : taps == 49 ? 7 : taps % 2 ? 1 : 2, kh = taps / kw, rows = 1 + next() % 2;
    const size_t nr = tested->nr, padded = (channels + nr - 1) / nr * nr, x_step = channels * (size_t)between(1, 2), x_tap = channels;
    const size_t y_tap = (pixels - 1) * x_step + kw * x_tap, row_step = y_tap + (size_t)between(0, 3);
    const size_t used = (rows - 1) * row_step + (pixels - 1) * x_step + (kh - 1) * y_tap + (kw - 1) * x_tap + padded;
    uint8_t *a = tail(activation_end, used, 1);
    int8_t *w = tail(weight_end, taps * channels, 1);
    fill_s8((int8_t *)a, used, fill_kind & 1);
    for (size_t i = 0; i < used; i++) a[i] ^= 0x80;
    fill_s8(w, taps * channels, fill_kind & 2);
    const int32_t w_zero = next() % 3 ? 0 : between(0, 1) ? between(-128, 127) : extreme(!(fill_kind & 2), -128, 127);
    const size_t k = kw * eq_gemm_k(tested, kh);
    void *memory = packed_end - eq_gemm_s8_packed_at(tested, channels, k, NULL).bytes;
    const struct eq_rq rq = fill_rq(channels);
    const struct eq_matrix matrix = {w, channels, kw, kh, 1, channels, kw * channels};
    eq_gemm_s8_pack(tested, &matrix, &rq, 0, w_zero, memory);
    const struct eq_gemm_s8_packed p = eq_gemm_s8_packed_at(tested, channels, k, memory);
    struct eq_dwconv_s8_u8_s8 args = {rows,         pixels, channels,           kh,   kw, a, row_step, x_step, y_tap, x_tap, w, rq,
                                      output(0, 1), w_zero, between(-128, 127), -128, 127};
    if (next() % 4 == 0) args.lo = between(-128, 0), args.hi = between(0, 127);
    prepare_outputs();
    RUN(portable, eq_dwconv_s8_u8_s8, &args);
    if (tested->kr) {
        args.w = p.w;
        args.rq = (struct eq_rq){p.bias, p.m, p.n};
    }
    args.y = output(1, 1);
    RUN(tested, eq_dwconv_s8_u8_s8, &args);
    snprintf(sizes, sizeof sizes, "rows=%zu pixels=%zu channels=%zu %zux%zu x_step=%zu w_zero=%d", rows, pixels, channels, kh, kw, x_step,
             (int)w_zero);
    return compare(sizes, 1);
}

static int add_s8(const struct eq_kernel *portable, size_t first, size_t channels, size_t taps) {
    char sizes[80];
    const size_t n = first * channels;
    const int kind = n == 1 ? (int)(next() % 4) : (int)(next() % 3);
    const size_t a_step = kind != 1 && kind != 3, b_step = kind != 2 && kind != 3;
    int8_t *a = tail(activation_end, a_step ? n : 1, 1), *b = tail(weight_end, b_step ? n : 1, 1);
    fill_s8(a, a_step ? n : 1, fill_kind & 1);
    fill_s8(b, b_step ? n : 1, fill_kind & 2);
    const int32_t shift = 1 + (int32_t)((taps + next()) % 30), a_zero = between(-128, 127), b_zero = between(-128, 127);
    const int16_t a_mul = (int16_t)between(-32768, 32767), b_mul = (int16_t)(next() % 4 ? between(-32768, 32767) : -32768);
    struct eq_add_s8_s8_s8 args = {n, a, b, a_step, b_step, output(0, 1), a_mul, b_mul, 0, shift, between(-128, 127), -128, 127};
    args.constant = ((int32_t)1 << (shift - 1)) - a_mul * a_zero - b_mul * b_zero;
    if (next() % 4 == 0) args.lo = between(-128, 0), args.hi = between(0, 127);
    prepare_outputs();
    RUN(portable, eq_add_s8_s8_s8, &args);
    args.y = output(1, 1);
    RUN(tested, eq_add_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "n=%zu steps=%zu,%zu shift=%d", n, a_step, b_step, (int)shift);
    return compare(sizes, 1);
}

static void bounds_f32(float *lo, float *hi) {
    const float infinity = 1e30f * 1e30f;
    *lo = next() % 2 ? -infinity : 0;
    *hi = next() % 2 ? infinity : 6;
}

static int gemm_f32(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t stride = k + (size_t)between(0, 3), used = (m - 1) * stride + k;
    float *a = tail(activation_end, used, 4), *w = tail(weight_end, n * k, 4), *bias = tail(params_end, n, 4);
    fill_f32(a, used);
    fill_f32(w, n * k);
    fill_f32(bias, n);
    struct eq_gemm_f32_f32_f32 args = {m, n, k, a, stride, w, next() % 3 ? bias : NULL, output(0, 4), n + skew, 0, 0};
    bounds_f32(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_f32_f32_f32, &args);
    args.y = output(1, 4);
    RUN(tested, eq_gemm_f32_f32_f32, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu stride=%zu", m, n, k, stride);
    return compare(sizes, 4);
}

static int dwconv_f32(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[80];
    const float *x[MAX_TAPS], *w[MAX_TAPS];
    const size_t step = channels * (size_t)between(1, 2), stretch = (pixels - 1) * step + channels;
    float *first = tail(activation_end, stretch + 13 * taps, 4), *weights = tail(weight_end, taps * channels, 4),
          *bias = tail(params_end, channels, 4);
    fill_f32(first, stretch + 13 * taps);
    fill_f32(weights, taps * channels);
    fill_f32(bias, channels);
    const size_t last = next() % taps;
    for (size_t t = 0; t < taps; t++) {
        x[t] = first + 13 * (taps - (t + taps - last) % taps);
        w[t] = weights + t * channels;
    }
    struct eq_dwconv_f32_f32_f32 args = {pixels, channels, taps, x, w, step, bias, output(0, 4), 0, 0};
    bounds_f32(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_dwconv_f32_f32_f32, &args);
    args.y = output(1, 4);
    RUN(tested, eq_dwconv_f32_f32_f32, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu", pixels, channels, taps);
    return compare(sizes, 4);
}

typedef int (*case_fn)(const struct eq_kernel *portable, size_t first, size_t channels, size_t depth);

/* Kernels that take more rows than one tile. */
static int any_rows(const struct eq_kernel *kernel) { return !strcmp(kernel->types, "s8_u8_s8"); }

static int all_sizes(const struct eq_kernel *portable, case_fn run, int dwconv) {
    static const size_t pixels[] = {1, 2, 5, 9}, rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 27},
                        channels[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 64, 65, 96};
    static const size_t taps[] = {1, 2, 3, 4, 8, 9, 10, 25, 49}, depths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 64, 65, 577};
    const size_t *firsts = dwconv ? pixels : rows, *deep = dwconv ? taps : depths;
    const size_t first_count = dwconv ? COUNT(pixels) : COUNT(rows), deep_count = dwconv ? COUNT(taps) : COUNT(depths);
    for (size_t i = 0; i < first_count && (dwconv || any_rows(tested) || firsts[i] <= tested->mr); i++)
        for (size_t c = 0; c < COUNT(channels); c++)
            for (size_t d = 0; d < deep_count; d++)
                if (run(portable, firsts[i], channels[c], deep[d])) return 1;
    return 0;
}

static int check(const struct eq_kernel *kernel) {
    static const struct {
        const char *name;
        case_fn run;
        int dwconv;
    } families[] = {{"gemm_s8_s8_s8", gemm_band, 0},   {"gemm_s8_u8_s8", gemm_band, 0},         {"gemm_s8_s16_s8", gemm_s8, 0},
                    {"dwconv_s8_s8_s8", dwconv_s8, 1}, {"dwconv_s8_u8_s8", dwconv_unsigned, 1}, {"add_s8_s8_s8", add_s8, 1},
                    {"gemm_f32_f32_f32", gemm_f32, 0}, {"dwconv_f32_f32_f32", dwconv_f32, 1}};
    const struct eq_kernel *portable = eq_select(kernel->family, kernel->types, 0);
    tested = kernel;
    cases = 0;
    for (size_t f = 0; f < COUNT(families); f++) {
        if (strcmp(families[f].name, eq_kernel_name(kernel))) continue;
        for (fill_kind = 0; fill_kind < FILLS; fill_kind++)
            for (skew = 0; skew < SKEWS; skew++) {
                rng = 0x9e3779b9u + (uint32_t)fill_kind * SKEWS + (uint32_t)skew;
                if (all_sizes(portable, families[f].run, families[f].dwconv)) return 1;
            }
        printf("ok   %s__%s %ld cases\n", eq_kernel_name(kernel), eq_isa_name(kernel->isa), cases);
        return 0;
    }
    printf("FAIL %s: selftest.c has no case of this family\n", eq_kernel_name(kernel));
    return 1;
}

int main(void) {
    int failed = 0;
    const uint32_t here = eq_cpu_isas();
    activation_end = guarded();
    weight_end = guarded();
    packed_end = guarded();
    params_end = guarded();
    for (size_t i = 0; i < eq_kernel_count; i++) {
        if (here >> eq_kernels[i].isa & 1) failed += check(&eq_kernels[i]);
        else printf("skip %s__%s not on this cpu\n", eq_kernel_name(&eq_kernels[i]), eq_isa_name(eq_kernels[i].isa));
    }
    return failed != 0;
}
