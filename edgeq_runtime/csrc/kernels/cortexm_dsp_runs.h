/* The loops of cortexm_dsp_gemm.h, which says what TURN and TURNS are. Assembly: a tile of 3 rows needs every register that there is, and
 * compilers spill. */
#ifndef EQ_KERNELS_CORTEXM_DSP_RUNS_H
#define EQ_KERNELS_CORTEXM_DSP_RUNS_H
#include "cortexm_dsp.h"

enum { ROWS = 3, PAIR = 2, QUAD = 4 };

#define REPEAT_1(text) text
#define REPEAT_2(text) text text
#define REPEAT_4(text) REPEAT_2(text) REPEAT_2(text)
#define REPEAT_8(text) REPEAT_4(text) REPEAT_4(text)
#define REPEAT(text)   EQ_CAT(REPEAT_, TURNS)(text)
#define LOOP(text)     "1:\n\t" text "subs %[left], #1\n\tbne 1b\n\t"

/* Two products each. */
#define UNPACK(what, from) "ldr %[w], " from "\n\t" what "sxtb16 %[t], %[w], ror #8\n\tsxtb16 %[w], %[w]\n\t"
#define MULTIPLY(even, odd)                                                                                                                \
    "smlad %[" #even "], %[x], %[w], %[" #even "]\n\t"                                                                                     \
    "smlad %[" #odd "], %[x], %[t], %[" #odd "]\n\t"
#define TALL(what, next)                                                                                                                   \
    UNPACK(what, "[%[p]]" next)                                                                                                            \
    "ldr %[x], [%[a], %[step]]\n\t" MULTIPLY(c2, c3) "ldr %[x], [%[a], %[step], lsl #1]\n\t" MULTIPLY(                                     \
        c4, c5) "ldr %[x], [%[a]], #4\n\t" MULTIPLY(c0, c1)
#define WIDE(what, next)                                                                                                                   \
    "ldr %[x], [%[a]], #4\n\t" UNPACK(what, "[%[p], %[step]]") MULTIPLY(c2, c3) UNPACK(what, "[%[p]]" next) MULTIPLY(c0, c1)

/* What both loops change: sums, and where they are. */
struct run {
    const int16_t *a;
    const uint8_t *p;
    int32_t c[ROWS * PAIR];
};

/* 3 rows, `step` bytes apart, and 2 channels: c[row][channel]. */
#define RUN_TALL(text, count)                                                                                                              \
    __asm volatile(LOOP(text)                                                                                                              \
                   : [a] "+&r"(r.a), [p] "+&r"(r.p), [left] "+&r"(count), [w] "=&r"(w), [t] "=&r"(t), [x] "=&r"(x), [c0] "+&r"(r.c[0]),    \
                     [c1] "+&r"(r.c[1]), [c2] "+&r"(r.c[2]), [c3] "+&r"(r.c[3]), [c4] "+&r"(r.c[4]), [c5] "+&r"(r.c[5])                    \
                   : [step] "r"(step)                                                                                                      \
                   : "cc", "memory")
EQ_INLINE struct run run_tall(struct run r, size_t step, size_t units) {
    size_t many = units / TURNS, few = units % TURNS;
    uint32_t w, t, x;
    if (many) RUN_TALL(REPEAT(TURN(TALL)), many);
    if (TURNS > 1 && few) RUN_TALL(TURN(TALL), few);
    return r;
}

/* A row and 4 channels, of which the upper two are `step` bytes behind: c[channel]. */
#define RUN_WIDE(text, count)                                                                                                              \
    __asm volatile(LOOP(text)                                                                                                              \
                   : [a] "+&r"(r.a), [p] "+&r"(r.p), [left] "+&r"(count), [w] "=&r"(w), [t] "=&r"(t), [x] "=&r"(x), [c0] "+&r"(r.c[0]),    \
                     [c1] "+&r"(r.c[1]), [c2] "+&r"(r.c[2]), [c3] "+&r"(r.c[3])                                                            \
                   : [step] "r"(step)                                                                                                      \
                   : "cc", "memory")
EQ_INLINE struct run run_wide(struct run r, size_t step, size_t units) {
    size_t many = units / TURNS, few = units % TURNS;
    uint32_t w, t, x;
    if (many) RUN_WIDE(REPEAT(TURN(WIDE)), many);
    if (TURNS > 1 && few) RUN_WIDE(TURN(WIDE), few);
    return r;
}
#endif
