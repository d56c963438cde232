/* Products of signs, signs of int8, signs as int8. */
#include "../ops/pack_b1.h"
#include "selftest.h"

enum { MOST_ROWS = 32, PARTS = 3, KINDS = 3, MOST_CHANNELS = 96 };

static uint8_t bits_of(int high) { return fill_kind < 2 || fill_kind == TIES ? (uint8_t)(next() >> 24) : high ? 0xff : 0; }

/* Words of `taps` taps of `depth` inputs, with zeros behind each. */
static void fill_taps(uint8_t *to, size_t taps, size_t depth) {
    const size_t words = eq_sign_words(depth), rest = depth % EQ_SIGNS;
    for (size_t i = 0; i < taps * words; i++, to += sizeof(uint32_t)) {
        uint32_t word = 0;
        for (int byte = 0; byte < 4; byte++) word = word << 8 | bits_of(fill_kind & 1);
        if (rest && i % words == words - 1) word &= (1u << rest) - 1;
        memcpy(to, &word, sizeof word);
    }
}

struct problem {
    struct eq_signs args;
    size_t taps, padded;
    uint32_t rows[MOST_ROWS], heads[MOST_ROWS];
    int32_t parts_at[PARTS];
};

/* Rows whose pieces are whole steps of either kernel, and weights as they lie in the file. */
static void start(struct problem *p, size_t m, size_t n, size_t k) {
    if (k > 500) k *= 4; /* more words than bytes count */
    const size_t parts = k % PARTS || k > 200 ? 1 : PARTS, part = k / parts, taps = part % 2 == 0 && next() % 2 ? 2 : 1;
    const size_t depth = part / taps, bytes = taps * eq_sign_words(depth) * sizeof(uint32_t), step = tested->kr ? tested->kr : 4;
    const size_t piece = (bytes + step - 1) / step * step, row = parts * piece + 4 * (size_t)between(0, 3),
                 used = (m - 1) * row + parts * piece;
    uint8_t *a = tail(activation_end, used, 1), *w = tail(weight_end, (n * k + 7) / 8, 1);
    memset(a, 0, used);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < parts; j++) fill_taps(a + i * row + j * piece, taps, depth);
        p->rows[i] = (uint32_t)(row * ((i + 1) % m));
        p->heads[i] = (uint32_t)(i % KINDS * p->padded);
    }
    for (size_t i = 0; i < (n * k + 7) / 8; i++) w[i] = bits_of(fill_kind & 2);
    for (size_t j = 0; j < parts; j++) p->parts_at[j] = (int32_t)(piece * (parts - 1 - j));
    p->taps = taps;
    p->args = (struct eq_signs){m, n, parts, bytes / 4, a, p->rows, p->parts_at, w, depth, p->args.base, p->heads};
}

/* The same for the tested kernel. */
static struct eq_signs packed(const struct problem *p) {
    struct eq_signs args = p->args;
    const size_t bytes = args.steps * 4;
    if (!tested->kr) return args;
    uint8_t *to = packed_end - eq_signs_bytes(tested, args.n, args.parts, bytes);
    eq_signs_pack(tested, args.n, args.depth, args.parts, bytes, args.w, to);
    args.w = to;
    args.steps = (bytes + tested->kr - 1) / tested->kr;
    return args;
}

/* What each kind of row begins with, around `middle`, at the end of what may be read. */
static int32_t *bases(size_t n, size_t padded, int32_t middle, int32_t added) {
    int32_t *base = (int32_t *)(void *)(params_end - ROOM / 4) - KINDS * padded;
    for (size_t i = 0; i < KINDS * padded; i++) {
        base[i] = middle + between(-12, 12);
        if (next() % 8 == 0) base[i] = extreme((int)(next() % 2), -1, INT32_MAX);
        if (i % padded >= n) base[i] = added;
    }
    return base;
}

static size_t whole(size_t n) { return (n + EQ_SIGNS - 1) / EQ_SIGNS * EQ_SIGNS; }

int gemm_signs(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[96];
    struct problem p = {.padded = whole(n)};
    const size_t stride = p.padded / EQ_SIGNS + skew;
    p.args.base = bases(n, p.padded, (int32_t)(k / 2), INT32_MAX);
    start(&p, m, n, k);
    prepare_outputs();
    struct eq_gemm_b1_b1_b1 args = {p.args, output(0, sizeof(uint32_t)), stride};
    RUN(portable, eq_gemm_b1_b1_b1, &args);
    args.signs = packed(&p);
    args.y = output(1, sizeof(uint32_t));
    RUN(tested, eq_gemm_b1_b1_b1, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu taps=%zu k=%zu", m, n, p.args.parts, p.taps, k);
    return compare(sizes, 1);
}

int gemm_signs_s8(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[96];
    struct problem p = {.padded = whole(n)};
    p.args.base = bases(n, p.padded, (int32_t)k, 0);
    start(&p, m, n, k);
    const struct eq_rq rq = fill_rq(p.padded);
    int32_t n_lowest = INT8_MAX;
    for (size_t o = 0; o < p.padded; o++) {
        if (o >= n) ((int32_t *)(uintptr_t)rq.m)[o] = 0;
        if (o >= n) ((int8_t *)(uintptr_t)rq.n)[o] = 2;
        if (rq.n[o] < n_lowest) n_lowest = rq.n[o];
    }
    struct eq_gemm_s8_b1_b1 args = {p.args, rq.m, rq.n, output(0, 1), n + skew, between(-128, 127), -128, 127, n_lowest};
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_s8_b1_b1, &args);
    args.signs = packed(&p);
    args.y = output(1, 1);
    RUN(tested, eq_gemm_s8_b1_b1, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu taps=%zu k=%zu", m, n, p.args.parts, p.taps, k);
    return compare(sizes, 1);
}

int sign_s8(const struct eq_kernel *portable, size_t rows, size_t channels, size_t taps) {
    char sizes[64];
    const size_t words = eq_sign_words(channels);
    int8_t *x = tail(activation_end, rows * channels, 1), *limits = (int8_t *)weight_end - words * EQ_SIGNS;
    uint32_t keep[MOST_CHANNELS / EQ_SIGNS], flip[MOST_CHANNELS / EQ_SIGNS];
    fill_s8(x, rows * channels, fill_kind & 1);
    for (size_t i = 0; i < words; i++) {
        const size_t left = channels - i * EQ_SIGNS;
        keep[i] = next() | next();
        flip[i] = next() & next();
        if (left < EQ_SIGNS) keep[i] &= (1u << left) - 1;
        if (left < EQ_SIGNS) flip[i] &= (1u << left) - 1;
    }
    for (size_t c = 0; c < words * EQ_SIGNS; c++) limits[c] = (int8_t)(c < channels ? between(-128, 127) : 0);
    struct eq_sign_b1_s8_s8 args = {rows, channels, x, limits, keep, flip, output(0, sizeof(uint32_t))};
    prepare_outputs();
    RUN(portable, eq_sign_b1_s8_s8, &args);
    args.y = output(1, sizeof(uint32_t));
    RUN(tested, eq_sign_b1_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "rows=%zu channels=%zu (%zu)", rows, channels, taps);
    return compare(sizes, 1);
}

int unpack_signs(const struct eq_kernel *portable, size_t rows, size_t channels, size_t taps) {
    char sizes[64];
    const size_t words = eq_sign_words(channels);
    uint8_t *x = activation_end - rows * words * sizeof(uint32_t);
    fill_taps(x, rows, channels);
    struct eq_unpack_s8_b1_b1 args = {rows,        channels, (uint32_t *)(void *)x, (int8_t)between(-128, 127), (int8_t)between(-128, 127),
                                      output(0, 1)};
    prepare_outputs();
    RUN(portable, eq_unpack_s8_b1_b1, &args);
    args.y = output(1, 1);
    RUN(tested, eq_unpack_s8_b1_b1, &args);
    snprintf(sizes, sizeof sizes, "rows=%zu channels=%zu (%zu)", rows, channels, taps);
    return compare(sizes, 1);
}
