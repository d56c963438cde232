/* The inner loops of neon_signs.h: counts of the differing bits of some rows and 4 channels, in bytes. */
#ifndef EQ_KERNELS_NEON_SIGNS_STEPS_H
#define EQ_KERNELS_NEON_SIGNS_STEPS_H
#include "neon.h"

/* What has been counted, [channel][row]. */
struct counts {
    uint8x16_t bytes[NR][ROWS];
};

/* A channel is done before another begins: more would not fit in registers. */
#define KEEP_ORDER(v, x)                                                                                                                   \
    __asm__ volatile(""                                                                                                                    \
                     : "+w"((v)[0]), "+w"((v)[1]), "+w"((v)[2]), "+w"((v)[3]), "+w"((x)[0]), "+w"((x)[1]), "+w"((x)[2]), "+w"((x)[3])      \
                     :                                                                                                                     \
                     : "memory")

EQ_INLINE void channel_step(uint8x16_t x[ROWS], uint8x16_t w, const int rows, const int first, uint8x16_t bytes[ROWS]) {
    EQ_UNROLL
    for (int i = 0; i < rows; i++) {
        const uint8x16_t bits = vcntq_u8(veorq_u8(x[i], w));
        bytes[i] = first ? bits : vaddq_u8(bytes[i], bits);
    }
    if (rows == ROWS) KEEP_ORDER(bytes, x);
}

/* Two channels from j on. */
EQ_INLINE void pair_step(uint8x16_t x[ROWS], const uint8_t *w, const int j, const int rows, const int first, struct counts *c) {
    const uint8x16_t low = vld1q_u8(w + j * KR), high = vld1q_u8(w + (j + 1) * KR);
    channel_step(x, low, rows, first, c->bytes[j]);
    channel_step(x, high, rows, first, c->bytes[j + 1]);
}

EQ_INLINE void load(const uint8_t *const a[ROWS], size_t at, const int rows, uint8x16_t x[ROWS]) {
    EQ_UNROLL
    for (int i = 0; i < rows; i++) x[i] = vld1q_u8(a[i] + at);
}

/* One step, or two, from step `at` on. */
EQ_INLINE void steps(const uint8_t *const a[ROWS], const uint8_t *w, const size_t at, const int count, const int rows, const int first,
                     struct counts *c) {
    uint8x16_t x[ROWS], next[ROWS];
    load(a, KR * at, rows, x);
    if (count == 2) load(a, KR * (at + 1), rows, next);
    pair_step(x, w + BLOCK * at, 0, rows, first, c);
    pair_step(x, w + BLOCK * at, 2, rows, first, c);
    if (count == 1) return;
    pair_step(next, w + BLOCK * (at + 1), 0, rows, 0, c);
    pair_step(next, w + BLOCK * (at + 1), 2, rows, 0, c);
}

EQ_INLINE void move_on(const uint8_t *a[ROWS], const uint8_t **w, const size_t steps, const int rows) {
    EQ_UNROLL
    for (int i = 0; i < rows; i++) a[i] += KR * steps;
    *w += BLOCK * steps;
}

/* At most FIT steps of every row. */
EQ_INLINE void count_some(const uint8_t *const from[ROWS], const uint8_t *w, size_t left, const int rows, struct counts *c) {
    const uint8_t *end = w + left * BLOCK, *a[ROWS];
    EQ_UNROLL
    for (int i = 0; i < rows; i++) a[i] = from[i];
    if (left % 2 == 1) {
        steps(a, w, 0, 1, rows, 1, c);
        move_on(a, &w, 1, rows);
        left--;
    } else {
        steps(a, w, 0, 2, rows, 1, c);
        move_on(a, &w, 2, rows);
        left -= 2;
    }
    if (left % 4 == 2) {
        steps(a, w, 0, 2, rows, 0, c);
        move_on(a, &w, 2, rows);
    }
    while (w != end) {
        steps(a, w, 0, 2, rows, 0, c);
        steps(a, w, 2, 2, rows, 0, c);
        move_on(a, &w, 4, rows);
    }
}
#endif
