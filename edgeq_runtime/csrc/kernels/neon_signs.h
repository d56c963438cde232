/* 128 inputs of a row and of a channel meet in one register; bits are counted in each byte, until these could overflow. Tiles of 4 rows, or
 * fewer, and 4 channels. */
#ifndef EQ_KERNELS_NEON_SIGNS_H
#define EQ_KERNELS_NEON_SIGNS_H
#include "neon.h"
#include "unroll.h"

enum {
    NR = 4,
    KR = 16,
    ROWS = 4,
    TALL = EQ_ON_neon ? ROWS : 2 /* rows whose counts have room in registers */,
    BLOCK = NR * KR /* bytes of a step */,
    FIT = 31 /* 31 8 < 256 */,
    FEW = 15 /* 2 15 8 < 256 */
};

/* Where some rows, or their only piece, begin, and their bases of 32 channels. */
struct rows {
    const uint8_t *a[ROWS];
    const int32_t *base[ROWS];
};

EQ_INLINE struct rows rows_of(const struct eq_signs *g, size_t o, size_t first, const int rows, const int is_short) {
    struct rows r;
    EQ_UNROLL
    for (int i = 0; i < rows; i++) {
        r.a[i] = g->a + g->rows[first + (size_t)i] + (is_short ? g->parts_at[0] : 0);
        r.base[i] = g->base + g->heads[first + (size_t)i] + o;
    }
    return r;
}

#include "neon_signs_steps.h"

/* The bytes of row i of 4 channels each to one sum. */
EQ_INLINE int32x4_t sum_few(const struct counts *c, int i) {
    const uint16x8_t low = vpaddlq_u8(vpaddq_u8(c->bytes[0][i], c->bytes[1][i]));
    const uint16x8_t high = vpaddlq_u8(vpaddq_u8(c->bytes[2][i], c->bytes[3][i]));
    return vreinterpretq_s32_u32(vpaddlq_u16(vpaddq_u16(low, high)));
}
EQ_INLINE int32x4_t sum_bytes(const struct counts *c, int i) {
    const uint16x8_t low = vpaddq_u16(vpaddlq_u8(c->bytes[0][i]), vpaddlq_u8(c->bytes[1][i]));
    const uint16x8_t high = vpaddq_u16(vpaddlq_u8(c->bytes[2][i]), vpaddlq_u8(c->bytes[3][i]));
    return vreinterpretq_s32_u32(vpaddlq_u16(vpaddq_u16(low, high)));
}

/* Any number of pieces and steps. */
EQ_INLINE void count_all(const struct eq_signs *g, const uint8_t *w, const struct rows *r, const int rows, int32x4_t sums[ROWS]) {
    EQ_UNROLL
    for (int i = 0; i < rows; i++) sums[i] = vdupq_n_s32(0);
    for (size_t p = 0; p < g->parts; p++)
        for (size_t at = 0, some; at < g->steps; at += some, w += some * BLOCK) {
            const uint8_t *a[ROWS];
            struct counts c;
            some = g->steps - at < FIT ? g->steps - at : FIT;
            EQ_UNROLL
            for (int i = 0; i < rows; i++) a[i] = r->a[i] + g->parts_at[p] + at * KR;
            count_some(a, w, some, rows, &c);
            EQ_UNROLL
            for (int i = 0; i < rows; i++) sums[i] = vaddq_s32(sums[i], sum_bytes(&c, i));
        }
}

/* Differing bits of some rows and the channels of the block whose weights are w. is_short: one piece of at most FIT steps. */
EQ_INLINE void count(const struct eq_signs *g, const uint8_t *w, const struct rows *r, const int rows, const int is_short,
                     int32x4_t sums[ROWS]) {
    struct counts c;
    if (!is_short) {
        count_all(g, w, r, rows, sums);
        return;
    }
    count_some(r->a, w, g->steps, rows, &c);
    if (g->steps <= FEW) {
        EQ_UNROLL
        for (int i = 0; i < rows; i++) sums[i] = sum_few(&c, i);
    } else {
        EQ_UNROLL
        for (int i = 0; i < rows; i++) sums[i] = sum_bytes(&c, i);
    }
}

/* Every row of all channels, 32 of these at once. */
#define EQ_SIGNS_ROWS(g, word, is_short)                                                                                                   \
    for (size_t o_ = 0; o_ < (g)->signs.n; o_ += EQ_SIGNS) {                                                                               \
        size_t i_ = 0;                                                                                                                     \
        for (; i_ + TALL <= (g)->signs.m; i_ += TALL) word(g, o_, i_, TALL, is_short);                                                     \
        for (; i_ < (g)->signs.m; i_++) word(g, o_, i_, 1, is_short);                                                                      \
    }

/* A kernel: word() takes 32 channels of some rows. */
#define EQ_SIGNS_KERNEL(types, word)                                                                                                       \
    EQ_ONE_COPY void run_long(const struct eq_gemm_##types *args) {                                                                        \
        const struct eq_gemm_##types local = *args, *g = &local; /* which no store can change */                                           \
        EQ_SIGNS_ROWS(g, word, 0)                                                                                                          \
    }                                                                                                                                      \
    void eq_gemm_##types##__neon(const struct eq_gemm_##types *args) {                                                                     \
        const struct eq_gemm_##types local = *args, *g = &local;                                                                           \
        if (g->signs.parts > 1 || g->signs.steps > FIT) {                                                                                  \
            run_long(args);                                                                                                                \
            return;                                                                                                                        \
        }                                                                                                                                  \
        EQ_SIGNS_ROWS(g, word, 1)                                                                                                          \
    }
#endif
