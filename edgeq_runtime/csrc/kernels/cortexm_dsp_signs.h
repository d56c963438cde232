/* In how many signs a row and two channels differ. There is no instruction that counts bits: those of three words are counted in nibbles
 * together, and one instruction adds the bytes up. Assembly, since compilers take two instructions for a mask of a shifted register. */
#ifndef EQ_KERNELS_CORTEXM_DSP_SIGNS_H
#define EQ_KERNELS_CORTEXM_DSP_SIGNS_H
#include "eq_kernels.h"
#include "eq_round.h"

enum { PAIR = 2, WORDS = 3 /* of a step: their bits are counted in nibbles */ };

/* A word of a channel: x and t, fields of four bits that count two bits each. */
#define COUNT(from)                                                                                                                        \
    "ldr %[x], " from "\n\t"                                                                                                               \
    "eor %[x], %[x], %[v]\n\t"                                                                                                             \
    "and %[t], %[fives], %[x], lsr #1\n\t"                                                                                                 \
    "sub %[x], %[x], %[t]\n\t"                                                                                                             \
    "and %[t], %[threes], %[x], lsr #2\n\t"                                                                                                \
    "and %[x], %[x], %[threes]\n\t"
#define FIRST(from, sum) COUNT(from) "add %[" #sum "], %[x], %[t]\n\t"
#define NEXT(from, sum)  COUNT(from) "add %[" #sum "], %[" #sum "], %[x]\n\tadd %[" #sum "], %[" #sum "], %[t]\n\t"
#define BOTH(KIND, next) "ldr %[v], [%[a]], #4\n\t" KIND("[%[w], #12]", s1) KIND("[%[w]], #" #next, s0)
#define ADD_UP(sum, count)                                                                                                                 \
    "and %[t], %[low], %[" #sum "], lsr #4\n\t"                                                                                            \
    "and %[" #sum "], %[" #sum "], %[low]\n\t"                                                                                             \
    "usada8 %[" #count "], %[t], %[zero], %[" #count "]\n\t"                                                                               \
    "usada8 %[" #count "], %[" #sum "], %[zero], %[" #count "]\n\t"

/* Adds what a piece of some steps differs in to the sums of some channels, `pair` words from two to two of them. Apart, so that the loop
 * has all registers. */
EQ_ONE_COPY void add_piece(const uint8_t *piece, const uint32_t *w, size_t steps, size_t pair, size_t channels, uint32_t *sums) {
    const size_t rest = pair - steps * WORDS * PAIR;
    for (uint32_t *end = sums + channels; sums < end; sums += PAIR, w += rest) {
        const uint8_t *a = piece;
        size_t left = steps;
        uint32_t c0 = sums[0], c1 = sums[1], v, x, t, s0, s1;
        __asm volatile("1:\n\t" BOTH(FIRST, 4) BOTH(NEXT, 4) BOTH(NEXT, 16) ADD_UP(s0, c0) ADD_UP(s1, c1) "subs %[left], #1\n\tbne 1b\n\t"
                       : [a] "+&r"(a), [w] "+&r"(w), [left] "+&r"(left), [c0] "+&r"(c0), [c1] "+&r"(c1), [v] "=&r"(v), [x] "=&r"(x),
                         [t] "=&r"(t), [s0] "=&r"(s0), [s1] "=&r"(s1)
                       : [low] "r"(0x0f0f0f0f), [fives] "r"(0x55555555), [threes] "r"(0x33333333), [zero] "r"(0)
                       : "cc", "memory");
        sums[0] = c0;
        sums[1] = c1;
    }
}

/* Of EQ_SIGNS channels at most, from o on; o is a multiple of EQ_SIGNS. */
EQ_INLINE size_t differing(const struct eq_signs *g, size_t row, size_t o, uint32_t *sums) {
    const size_t piece = g->steps * WORDS * PAIR, pair = g->parts * piece, channels = g->n - o < EQ_SIGNS ? g->n - o : EQ_SIGNS;
    const uint32_t *w = (const uint32_t *)(const void *)g->w + o / PAIR * pair;
    for (size_t i = 0; i < EQ_SIGNS; i++) sums[i] = 0;
    for (size_t p = 0; p < g->parts; p++, w += piece) add_piece(g->a + g->rows[row] + g->parts_at[p], w, g->steps, pair, channels, sums);
    return channels;
}
#endif
