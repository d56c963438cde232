/* Arm's DSP extension, of Cortex-M4, M7, M33 and M55: two products of 16 bits an instruction. */
#ifndef EQ_KERNELS_CORTEXM_DSP_H
#define EQ_KERNELS_CORTEXM_DSP_H
#include "eq_kernels.h"
#include "eq_round.h"
#include <arm_acle.h>

/* Where outputs go, apart from the arguments: the compiler need not read these again after every byte. */
struct dsp_output {
    int32_t zero, lo, hi;
    int whole; /* nothing is clamped but to int8 */
};
#define DSP_OUTPUT(g) ((struct dsp_output){(g)->y_zero, (g)->lo, (g)->hi, (g)->lo == INT8_MIN && (g)->hi == INT8_MAX})

/* Channel parameters of a usual n, ready for any number of sums. */
struct dsp_scale {
    int32_t m, shift, half;
};
EQ_INLINE struct dsp_scale dsp_scale_of(int32_t m, int32_t n) { return (struct dsp_scale){m, n - 1, 1 << (n - 2)}; }
EQ_INLINE int dsp_is_usual(int32_t n) { return n >= 2; }

/* What is usual: eq_requantize. Half of the last place is a whole number of 2^32; what is below that cannot change a floor. */
EQ_INLINE int32_t dsp_scaled(int32_t acc, const struct dsp_scale *s) {
    int32_t high;
    __asm("smmla %0, %1, %2, %3" : "=r"(high) : "r"(acc), "r"(s->m), "r"(s->half));
    return high >> s->shift;
}
EQ_INLINE int32_t dsp_clamped(int32_t v, const struct dsp_output *out, const int whole) {
    int32_t r;
    v += out->zero;
    if (whole) {
        __asm("ssat %0, #8, %1" : "=r"(r) : "r"(v));
        return r;
    }
    return v < out->lo ? out->lo : v > out->hi ? out->hi : v;
}

/* Four bytes at once. */
EQ_INLINE uint32_t dsp_clamped_word(uint32_t bytes, const struct dsp_output *out) {
    const int8x4_t lo = (int8x4_t)((uint32_t)(uint8_t)out->lo * 0x01010101u), hi = (int8x4_t)((uint32_t)(uint8_t)out->hi * 0x01010101u);
    int8x4_t v = (int8x4_t)bytes;
    (void)__ssub8(v, lo);
    v = (int8x4_t)__sel((uint8x4_t)v, (uint8x4_t)lo);
    (void)__ssub8(hi, v);
    return __sel((uint8x4_t)v, (uint8x4_t)hi);
}

/* `count` outputs of a channel, `stride` apart, from sums that are `step` apart. */
EQ_RARE void dsp_put_rare(const int32_t *acc, size_t step, size_t count, int32_t m, int32_t n, const struct dsp_output *out, int8_t *y,
                          size_t stride) {
    for (; count > 0; count--, acc += step, y += stride) *y = eq_clamp_s8(eq_requantize(*acc, m, n), out->zero, out->lo, out->hi);
}
#endif
