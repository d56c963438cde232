/* The loops of cortexm_mve_gemm.h, which says what TURN is. Assembly: sums stay in even registers, a loop takes no instruction but LE, and
 * what is unpacked takes no more registers than there are. */
#ifndef EQ_KERNELS_CORTEXM_MVE_RUNS_H
#define EQ_KERNELS_CORTEXM_MVE_RUNS_H
#include "cortexm_mve.h"

enum { ROWS = 3, QUAD_BYTES = LANES * BYTES /* of a unit of four channels */ };

#define LOAD(to, from)    "vldrb.8 %q[" #to "], " from "\n\t"
#define PRODUCT(sum, w)   "vmladava.s8 %[" #sum "], %q[x], %q[" #w "]\n\t"
#define LOOP(text)        "dls lr, %[units]\n1:\n\t" text "le lr, 1b\n\t"
#define LEFT(bits, to, w) "vshl.i8 %q[" #to "], %q[" #w "], #" #bits "\n\t"
#define TOP(to, w)        "vand %q[" #to "], %q[" #w "], %q[mask]\n\t"

/* FROM(to, w) unpacks a field of the bytes of w; kind: t, or w where bytes are products' operands as they lie. */
#define OPERAND(a, b)               OPERAND_(a, b)
#define OPERAND_(a, b)              a##b
#define WIDE_t(i)                   t0
#define WIDE_w(i)                   w##i
#define TALL_ROW(a, even, odd, t)   LOAD(x, "[%[" #a "]], #16") EVEN_ODD(even, odd, OPERAND(t, 0), OPERAND(t, 1))
#define EVEN_ODD(even, odd, w0, w1) PRODUCT(even, w0) PRODUCT(odd, w1)
#define TALL(FROM, t)                                                                                                                      \
    FROM(OPERAND(t, 0), w0) FROM(OPERAND(t, 1), w1) TALL_ROW(a0, c0, c1, t) TALL_ROW(a1, c2, c3, t) TALL_ROW(a2, c4, c5, t)
#define WIDE_OF(FROM, sum, to, w) FROM(to, w) PRODUCT(sum, to)
#define WIDE(FROM, t)                                                                                                                      \
    LOAD(x, "[%[a]], #16")                                                                                                                 \
    WIDE_OF(FROM, c0, WIDE_##t(0), w0)                                                                                                     \
    WIDE_OF(FROM, c1, WIDE_##t(1), w1) WIDE_OF(FROM, c2, WIDE_##t(2), w2) WIDE_OF(FROM, c3, WIDE_##t(3), w3)
#if UNIT == 16
#define UNPACKED(...)
#else
#define UNPACKED(...) __VA_ARGS__
#endif

/* 3 rows and two of four channels, the second one two behind the first: c[row][channel]. */
EQ_INLINE const int8_t *run_tall(const int8_t *const *a, size_t at, const int8_t *p, size_t units, int32_t *c) {
    const int8_t *a0 = a[0] + at, *a1 = a[1] + at, *a2 = a[2] + at;
    int8x16_t w0, w1, x, UNPACKED(t0, t1, mask = vdupq_n_s8(MASK), ) *unused = &x;
    (void)unused;
    __asm volatile(LOOP(LOAD(w1, "[%[p], #32]") LOAD(w0, "[%[p]], #64") TURN(TALL))
                   : [a0] "+&r"(a0), [a1] "+&r"(a1), [a2] "+&r"(a2), [p] "+&r"(p), [c0] "+&Te"(c[0]), [c1] "+&Te"(c[1]), [c2] "+&Te"(c[2]),
                     [c3] "+&Te"(c[3]), [c4] "+&Te"(c[4]), [c5] "+&Te"(c[5]), [w0] "=&w"(w0), [w1] "=&w"(w1),
                     UNPACKED([t0] "=&w"(t0), [t1] "=&w"(t1), )[x] "=&w"(x)
                   : UNPACKED([mask] "w"(mask), )[units] "r"(units)
                   : "lr", "memory");
    return p;
}

/* A row and four channels. */
EQ_INLINE const int8_t *run_wide(const int8_t *a, const int8_t *p, size_t units, int32_t *c) {
    int8x16_t w0, w1, w2, w3, x, UNPACKED(t0, mask = vdupq_n_s8(MASK), ) *unused = &x;
    (void)unused;
    __asm volatile(LOOP(LOAD(w1, "[%[p], #16]") LOAD(w2, "[%[p], #32]") LOAD(w3, "[%[p], #48]") LOAD(w0, "[%[p]], #64") TURN(WIDE))
                   : [a] "+&r"(a), [p] "+&r"(p), [c0] "+&Te"(c[0]), [c1] "+&Te"(c[1]), [c2] "+&Te"(c[2]), [c3] "+&Te"(c[3]), [w0] "=&w"(w0),
                     [w1] "=&w"(w1), [w2] "=&w"(w2), [w3] "=&w"(w3), UNPACKED([t0] "=&w"(t0), )[x] "=&w"(x)
                   : UNPACKED([mask] "w"(mask), )[units] "r"(units)
                   : "lr", "memory");
    return p;
}
#endif
