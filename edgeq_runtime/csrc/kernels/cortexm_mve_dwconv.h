/* Eight channels of one pixel or two. Products are of 16 bits, of even and of odd channels, and so are sums and parameters until both are
 * narrowed into one vector. */
#ifndef EQ_KERNELS_CORTEXM_MVE_DWCONV_H
#define EQ_KERNELS_CORTEXM_MVE_DWCONV_H
#include "cortexm_mve.h"

enum { CHANNELS = 8, TAPS = 3 /* written out in a loop */ };

#define LOAD    "vldrb.s16 %q[v], [%[x]]\n\t"
#define NEXT    "add %[x], %[step]\n\t" LOAD
#define TAKE(w) "vldrh.u16 %q[" #w "], [%[p]], #16\n\t"
#define HALF(which, sum, to, w)                                                                                                            \
    "vmull" which ".s16 %q[" #to "], %q[v], %q[" #w "]\n\t"                                                                                \
    "vadd.i32 %q[" #sum "], %q[" #sum "], %q[" #to "]\n\t"
#define KEPT(even, odd, w) HALF("b", even, t, w) HALF("t", odd, t, w)
#define LAST(even, odd, w) HALF("b", even, t, w) HALF("t", odd, v, w)
#define TAPS_AT(bytes)     "ldr %[x], [%[list]], #" #bytes "\n\tadd %[x], %[at]\n\t"
#define ONE                TAPS_AT(4) TAKE(w) LOAD LAST(e0, o0, w)
#define TWO                ONE NEXT LAST(e1, o1, w)
/* Three taps side by side: what is an input of both pixels is loaded once. */
#define SHARED                                                                                                                             \
    TAPS_AT(12)                                                                                                                            \
    TAKE(w)                                                                                                                                \
    LOAD LAST(e0, o0, w) TAKE(u) NEXT KEPT(e1, o1, w) LAST(e0, o0, u) TAKE(w) NEXT KEPT(e1, o1, u) LAST(e0, o0, w) NEXT LAST(e1, o1, w)
#define ONE_SUMS [e0] "+&w"(sums[0].even), [o0] "+&w"(sums[0].odd)
#define TWO_SUMS ONE_SUMS, [e1] "+&w"(sums[1].even), [o1] "+&w"(sums[1].odd)
#define RUN(text, count, ...)                                                                                                              \
    __asm volatile("dls lr, %[left]\n1:\n\t" text "le lr, 1b\n\t"                                                                          \
                   : [list] "+&r"(list), [p] "+&r"(w), [x] "=&l"(x), [v] "=&w"(v), [t] "=&w"(t), [w] "=&w"(u0), [u] "=&w"(u1), __VA_ARGS__ \
                   : [at] "r"(at), [step] "r"(step), [left] "r"(count)                                                                     \
                   : "lr", "memory")

struct halves {
    int32x4_t even, odd;
};

/* What all pixels of eight channels share. */
struct block {
    struct shared {
        struct halves base, m, right;
        int16x8_t lo, hi;
        struct halves left;
    } shared;
    const int16_t *w;
    size_t many, few;
    int16_t zero;
};
enum { BASE = 0, M = 2, RIGHT = 4, LO = 6, HI = 7 }; /* vectors of what is shared; odd channels behind even ones */

/* Sums of one or two pixels, scaled. */
EQ_INLINE void scale(const struct block *b, const int odd, int32x4_t *v, int32x4_t *w, const int count) {
    const int32x4_t m = MVE_AT(&b->shared, M + odd), right = MVE_AT(&b->shared, RIGHT + odd);
    *v = vrshlq_s32(vqdmulhq_s32(*v, m), right);
    if (count == 2) *w = vrshlq_s32(vqdmulhq_s32(*w, m), right);
}

EQ_INLINE int16x8_t joined(const struct halves *v) {
    int32x4_t both = v->even;
    __asm("vqmovnb.s32 %q0, %q0\n\tvqmovnt.s32 %q0, %q1" : "+w"(both) : "w"(v->odd));
    return (int16x8_t)both;
}

struct limits {
    int16x8_t lo, hi;
    int16_t zero;
};
EQ_INLINE struct limits limits_of(const struct block *b) {
    return (struct limits){(int16x8_t)MVE_AT(&b->shared, LO), (int16x8_t)MVE_AT(&b->shared, HI), b->zero};
}
EQ_INLINE int16x8_t clamped(const struct limits *l, int16x8_t v) { return vminq_s16(vmaxq_s16(vqaddq_n_s16(v, l->zero), l->lo), l->hi); }

EQ_INLINE struct halves begun(const struct block *b) { return (struct halves){MVE_AT(&b->shared, BASE), MVE_AT(&b->shared, BASE + 1)}; }

EQ_INLINE void pixel(const struct block *b, const int8_t *const *list, size_t at, int8_t *y) {
    const size_t step = 0;
    const int16_t *w = b->w;
    const int8_t *x;
    struct halves sums[1] = {begun(b)};
    int16x8_t v, t, u0, u1;
    if (b->many) RUN(ONE ONE ONE, b->many, ONE_SUMS);
    if (b->few) RUN(ONE, b->few, ONE_SUMS);
    scale(b, 0, &sums[0].even, NULL, 1);
    scale(b, 1, &sums[0].odd, NULL, 1);
    const struct limits limits = limits_of(b);
    vstrbq_s16(y, clamped(&limits, joined(sums)));
}

/* Two of them, `step` apart. */
EQ_INLINE void pixels(const struct block *b, const int shares, const int8_t *const *list, size_t at, size_t step, int8_t *y,
                      size_t y_step) {
    const int16_t *w = b->w;
    const int8_t *x;
    struct halves sums[2] = {begun(b), begun(b)};
    int16x8_t v, t, u0, u1;
    if (b->many) {
        if (shares) RUN(SHARED, b->many, TWO_SUMS);
        else RUN(TWO TWO TWO, b->many, TWO_SUMS);
    }
    if (b->few) RUN(TWO, b->few, TWO_SUMS);
    scale(b, 0, &sums[0].even, &sums[1].even, 2);
    scale(b, 1, &sums[0].odd, &sums[1].odd, 2);
    const struct limits limits = limits_of(b);
    vstrbq_s16(y, clamped(&limits, joined(&sums[0])));
    vstrbq_s16(y + y_step, clamped(&limits, joined(&sums[1])));
}
#endif
