/* Helium (MVE), Arm's vectors of Cortex-M55: 16 products of bytes an instruction, summed into a register of the core. */
#ifndef EQ_KERNELS_CORTEXM_MVE_H
#define EQ_KERNELS_CORTEXM_MVE_H
#include "eq_kernels.h"
#include "eq_round.h"
#include <arm_mve.h>

enum { LANES = 4, BYTES = 16 };

/* Where outputs go. */
struct mve_output {
    int32x4_t lo, hi;
    int32_t zero;
    int lifts; /* some sums are shifted left first */
};
#define MVE_OUTPUT(g, rises) ((struct mve_output){vdupq_n_s32((g)->lo), vdupq_n_s32((g)->hi), (g)->y_zero, rises})

/* Of four channels; right and left: by how many bits, right as less than 0. */
struct mve_scale {
    int32x4_t bias, m, right, left;
};
EQ_INLINE struct mve_scale mve_scale_of(const struct mve_output *out, int32x4_t bias, int32x4_t m, int32x4_t n) {
    struct mve_scale s = {bias, m, vnegq_s32(n), vdupq_n_s32(0)};
    if (!out->lifts) return s;
    s.left = vmaxq_s32(vaddq_n_s32(s.right, 1), s.left);
    s.right = vminq_s32(s.right, vdupq_n_s32(-1));
    return s;
}

/* eq_requantize: what the high half of the product leaves out lies below the places that are rounded away. Where n is below 1 a sum that
 * saturates is beyond any clamp. */
EQ_INLINE int32x4_t mve_scaled(const struct mve_output *out, const struct mve_scale *s, int32x4_t acc) {
    if (out->lifts) acc = vqshlq_s32(acc, s->left);
    return vrshlq_s32(vqdmulhq_s32(acc, s->m), s->right);
}

/* Vector i of some that lie side by side. Assembly: compilers add up an address for each. */
#define MVE_AT(v, i)                                                                                                                       \
    __extension__({                                                                                                                        \
        int32x4_t loaded;                                                                                                                  \
        __asm("vldrw.32 %q0, [%1, %2]" : "=w"(loaded) : "r"(v), "i"(BYTES * (i)), "m"(*(v)));                                              \
        loaded;                                                                                                                            \
    })

/* Four outputs, which lie side by side, as words. */
EQ_INLINE int32x4_t mve_clamped(const struct mve_output *out, const struct mve_scale *s, int32x4_t sums) {
    const int32x4_t v = vaddq_n_s32(mve_scaled(out, s, vaddq_s32(sums, s->bias)), out->zero);
    return vminq_s32(vmaxq_s32(v, out->lo), out->hi);
}

/* Those that there are. */
EQ_INLINE void mve_put(int32x4_t v, size_t there, int8_t *y) {
    if (there >= LANES) vstrbq_s32(y, v);
    else vstrbq_p_s32(y, v, vctp32q((uint32_t)there));
}
#endif
