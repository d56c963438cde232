/* In how many signs a row and 16 channels differ. There is no instruction that counts bits, but one that looks 16 bytes up in a table. */
#ifndef EQ_KERNELS_CORTEXM_MVE_SIGNS_H
#define EQ_KERNELS_CORTEXM_MVE_SIGNS_H
#include "cortexm_mve.h"

enum { QUADS = 4, BLOCK = QUADS * LANES, MOST_STEPS = 31 /* of 8 bits each, which bytes count */ };

#define COUNTS_1(n) n, n + 1, n + 1, n + 2
#define COUNTS_2(n) COUNTS_1(n), COUNTS_1(n + 1), COUNTS_1(n + 1), COUNTS_1(n + 2)
#define COUNTS_3(n) COUNTS_2(n), COUNTS_2(n + 1), COUNTS_2(n + 1), COUNTS_2(n + 2)
static const uint8_t bit_counts[] = {COUNTS_3(0), COUNTS_3(1), COUNTS_3(1), COUNTS_3(2)};

/* A byte of four channels each. */
struct counts {
    uint8x16_t of[QUADS];
};

#define QUAD(sum)                                                                                                                          \
    "vldrb.8 %q[v], [%[w]], #16\n\t"                                                                                                       \
    "veor %q[v], %q[v], %q[x]\n\t"                                                                                                         \
    "vldrb.u8 %q[t], [%[table], %q[v]]\n\t"                                                                                                \
    "vadd.i8 %q[" #sum "], %q[" #sum "], %q[t]\n\t"
/* 32 inputs a step. */
EQ_INLINE const uint8_t *add_steps(const uint8_t *a, const uint8_t *w, size_t steps, struct counts *c) {
    uint8x16_t v, x, t;
    uint32_t word;
    __asm volatile("dls lr, %[steps]\n1:\n\tldr %[word], [%[a]], #4\n\tvdup.32 %q[x], %[word]\n\t" QUAD(c0) QUAD(c1) QUAD(c2)
                       QUAD(c3) "le lr, 1b\n\t"
                   : [a] "+&r"(a), [w] "+&l"(w), [c0] "+&w"(c->of[0]), [c1] "+&w"(c->of[1]), [c2] "+&w"(c->of[2]), [c3] "+&w"(c->of[3]),
                     [v] "=&w"(v), [x] "=&w"(x), [t] "=&w"(t), [word] "=&r"(word)
                   : [steps] "r"(steps), [table] "r"(bit_counts)
                   : "lr", "memory");
    return w;
}

/* The four bytes of each channel, added up. */
EQ_INLINE int32x4_t added_up(uint8x16_t v) {
    const uint16x8_t pairs = vaddq_u16(vmovlbq_u8(v), vmovltq_u8(v));
    return (int32x4_t)vaddq_u32(vmovlbq_u16(pairs), vmovltq_u16(pairs));
}

struct sums {
    int32x4_t of[QUADS];
};

/* More steps than bytes count. */
EQ_ONE_COPY void count_many(const struct eq_signs *g, const uint8_t *row, const uint8_t *w, int32_t *sums) {
    for (size_t i = 0; i < BLOCK; i++) sums[i] = 0;
    for (size_t p = 0; p < g->parts; p++)
        for (size_t left = g->steps, some, at = 0; left > 0; left -= some, at += some * sizeof(uint32_t)) {
            struct counts c = {{vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)}};
            some = left < MOST_STEPS ? left : MOST_STEPS;
            w = add_steps(row + g->parts_at[p] + at, w, some, &c);
            for (size_t i = 0; i < QUADS; i++) vstrwq_s32(sums + i * LANES, vaddq_s32(vldrwq_s32(sums + i * LANES), added_up(c.of[i])));
        }
}

/* Of 16 channels from o on. */
EQ_INLINE struct sums differing(const struct eq_signs *g, const uint8_t *row, size_t o) {
    const uint8_t *w = g->w + o * g->parts * g->steps * sizeof(uint32_t);
    if (g->parts * g->steps > MOST_STEPS) {
        int32_t v[BLOCK];
        count_many(g, row, w, v);
        return (struct sums){{vldrwq_s32(v), vldrwq_s32(v + LANES), vldrwq_s32(v + 2 * LANES), vldrwq_s32(v + 3 * LANES)}};
    }
    struct counts c = {{vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)}};
    for (size_t p = 0; p < g->parts; p++) w = add_steps(row + g->parts_at[p], w, g->steps, &c);
    return (struct sums){{added_up(c.of[0]), added_up(c.of[1]), added_up(c.of[2]), added_up(c.of[3])}};
}
#endif
