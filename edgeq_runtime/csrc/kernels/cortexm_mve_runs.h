/* The loops of cortexm_mve_gemm.h, which says what TURN is. Assembly: sums stay in even registers, a loop takes no instruction but LE, and
 * what is unpacked takes no more registers than there are. */
#ifndef EQ_KERNELS_CORTEXM_MVE_RUNS_H
#define EQ_KERNELS_CORTEXM_MVE_RUNS_H
#include "cortexm_mve.h"

enum { ROWS = 3, QUAD_BYTES = LANES * BYTES /* of a unit of four channels */ };

/* Vectors: inputs, weights of four channels, what is unpacked of them. */
#define Q_x      "q0"
#define Q_w0     "q1"
#define Q_w1     "q2"
#define Q_w2     "q3"
#define Q_w3     "q4"
#define Q_t0     "q5"
#define Q_t1     "q6"
#define Q(name)  Q_(name)
#define Q_(name) Q_##name

#define LOAD(to, from)        "vldrb.8 " Q(to) ", " from "\n\t"
#define PRODUCT_OF(sum, x, w) "vmladava.s8 %[" #sum "], " Q(x) ", " Q(w) "\n\t"
#define PRODUCT(sum, w)       PRODUCT_OF(sum, x, w)
#define LEFT(bits, to, w)     "vshl.i8 " Q(to) ", " Q(w) ", #" #bits "\n\t"
#define TOP(to, w)            "vand " Q(to) ", " Q(w) ", %q[mask]\n\t"

/* FROM(to, w) unpacks a field of the bytes of w; kind: t, or w where bytes are products' operands as they lie. */
#define WIDE_t(i)                 t0
#define WIDE_w(i)                 w##i
#define TALL_ROW(a, even, odd, t) LOAD(x, "[%[" #a "]], #16") PRODUCT(even, t##0) PRODUCT(odd, t##1)
#define TALL(FROM, t)             FROM(t##0, w0) FROM(t##1, w1) TALL_ROW(a0, c0, c1, t) TALL_ROW(a1, c2, c3, t) TALL_ROW(a2, c4, c5, t)
#define WIDE_OF(FROM, sum, to, w) FROM(to, w) PRODUCT(sum, to)
#define WIDE(FROM, t)                                                                                                                      \
    LOAD(x, "[%[a0]], #16")                                                                                                                \
    WIDE_OF(FROM, c0, WIDE_##t(0), w0)                                                                                                     \
    WIDE_OF(FROM, c1, WIDE_##t(1), w1) WIDE_OF(FROM, c2, WIDE_##t(2), w2) WIDE_OF(FROM, c3, WIDE_##t(3), w3)

#ifdef NESTED /* weights of two planes, of which the low one lies from %[low] on; a single row unpacks one channel after the other */
#define Q_l0           Q_w2
#define Q_l1           Q_w3
#define LOW_PLANE(...) __VA_ARGS__
#define WIDE_UNIT                                                                                                                          \
    LOAD(x, "[%[a0]], #16")                                                                                                                \
    LOAD(t1, "[%[a0]], #16") NESTED(c1, ", #16]") NESTED(c2, ", #32]") NESTED(c3, ", #48]") NESTED(c0, "], #64")
#else
#define LOW_PLANE(...)
#define WIDE_UNIT LOAD(w1, "[%[p], #16]") LOAD(w2, "[%[p], #32]") LOAD(w3, "[%[p], #48]") LOAD(w0, "[%[p]], #64") TURN(WIDE)
#endif

/* The parts of some rows, and units of each. In memory, where the loops read it: units need every register. */
struct parts {
    const int8_t *a[ROWS];
    const int32_t *at;
    size_t count, units;
};
#define ROW_AT(i) "ldr %[a" #i "], %[row" #i "]\n\tadd %[a" #i "], lr\n\t"
#define PARTS(rows, text)                                                                                                                  \
    "2:\n\tldr lr, [%[at]], #4\n\t" rows "ldr lr, %[units]\n\tdls lr, lr\n1:\n\t" text                                                     \
    "le lr, 1b\n\tldr lr, %[left]\n\tsubs lr, #1\n\tstr lr, %[left]\n\tbne 2b\n\t"
#define SUM(i) [c##i] "+&Te"(c[i])

/* 3 rows and two of four channels, the second one two behind the first: c[row][channel]. */
EQ_INLINE void run_tall(const struct parts *s, const int8_t *p, const int8_t *low, int32_t *c) {
    const int8_t *a0, *a1, *a2;
    const int32_t *at = s->at;
    size_t left = s->count;
    (void)low;
    __asm volatile(
        PARTS(ROW_AT(0) ROW_AT(1) ROW_AT(2),
              LOAD(w1, "[%[p], #32]") LOAD(w0, "[%[p]], #64") LOW_PLANE(LOAD(l1, "[%[low], #32]") LOAD(l0, "[%[low]], #64")) TURN(TALL))
        : LOW_PLANE([low] "+&r"(low), )[a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [p] "+&r"(p), [at] "+&r"(at), [left] "+m"(left),
          SUM(0), SUM(1), SUM(2), SUM(3), SUM(4), SUM(5)
        : [row0] "m"(s->a[0]), [row1] "m"(s->a[1]), [row2] "m"(s->a[2]), [units] "m"(s->units), [mask] "w"(vdupq_n_s8(MASK))
        : "q0", "q1", "q2", LOW_PLANE("q3", "q4", ) "q5", "q6", "lr", "cc", "memory");
}

/* A row and four channels. */
EQ_INLINE void run_wide(const struct parts *s, const int8_t *p, const int8_t *low, int32_t *c) {
    const int8_t *a0;
    const int32_t *at = s->at;
    size_t left = s->count;
    (void)low;
    __asm volatile(PARTS(ROW_AT(0), WIDE_UNIT)
                   : LOW_PLANE([low] "+&r"(low), )[a0] "=&r"(a0), [p] "+&r"(p), [at] "+&r"(at), [left] "+m"(left), SUM(0), SUM(1), SUM(2),
                     SUM(3)
                   : [row0] "m"(s->a[0]), [units] "m"(s->units), [mask] "w"(vdupq_n_s8(MASK))
                   : "q0", "q1", "q2", "q3", "q4", "q5", LOW_PLANE("q6", ) "lr", "cc", "memory");
}
#endif
