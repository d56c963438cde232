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

/* How many, of the upper channel in the upper half. */
typedef uint64_t counts;

/* A piece of some steps. Apart, so that the loop has all registers. */
EQ_ONE_COPY counts count(const uint8_t *a, const uint32_t *w, size_t left) {
    uint32_t c0 = 0, c1 = 0, v, x, t, s0, s1;
    __asm volatile("1:\n\t" BOTH(FIRST, 4) BOTH(NEXT, 4) BOTH(NEXT, 16) ADD_UP(s0, c0) ADD_UP(s1, c1) "subs %[left], #1\n\tbne 1b\n\t"
                   : [a] "+&r"(a), [w] "+&r"(w), [left] "+&r"(left), [c0] "+&r"(c0), [c1] "+&r"(c1), [v] "=&r"(v), [x] "=&r"(x),
                     [t] "=&r"(t), [s0] "=&r"(s0), [s1] "=&r"(s1)
                   : [low] "r"(0x0f0f0f0f), [fives] "r"(0x55555555), [threes] "r"(0x33333333), [zero] "r"(0)
                   : "cc", "memory");
    return (uint64_t)c1 << 32 | c0;
}

EQ_INLINE counts differing(const struct eq_signs *g, const uint8_t *row, const uint32_t *w) {
    counts sum = count(row + g->parts_at[0], w, g->steps);
    for (size_t p = 1; p < g->parts; p++) sum += count(row + g->parts_at[p], w + p * g->steps * WORDS * PAIR, g->steps);
    return sum;
}
#endif
