/* Words that 64-bit Arm has and 32-bit Arm has not. */
#ifndef EQ_KERNELS_NEON_32_H
#define EQ_KERNELS_NEON_32_H
#include "eq_internal.h"
#include <arm_neon.h>

EQ_INLINE int16x8_t vmovl_high_s8(int8x16_t v) { return vmovl_s8(vget_high_s8(v)); }
EQ_INLINE int32x4_t vmlal_high_s16(int32x4_t sum, int16x8_t a, int16x8_t b) { return vmlal_s16(sum, vget_high_s16(a), vget_high_s16(b)); }
EQ_INLINE int32x4_t vmlal_high_n_s16(int32x4_t sum, int16x8_t a, int16_t b) { return vmlal_n_s16(sum, vget_high_s16(a), b); }
#define vmlal_high_lane_s16(sum, a, b, lane) vmlal_lane_s16(sum, vget_high_s16(a), b, lane)
EQ_INLINE int64x2_t vaddw_high_s32(int64x2_t sum, int32x4_t v) { return vaddw_s32(sum, vget_high_s32(v)); }
EQ_INLINE int16x8_t vaddw_high_s8(int16x8_t sum, int8x16_t v) { return vaddw_s8(sum, vget_high_s8(v)); }
EQ_INLINE int32x4_t vaddw_high_s16(int32x4_t sum, int16x8_t v) { return vaddw_s16(sum, vget_high_s16(v)); }
EQ_INLINE int16x8_t vqmovn_high_s32(int16x4_t low, int32x4_t high) { return vcombine_s16(low, vqmovn_s32(high)); }
EQ_INLINE int32x4_t vpaddq_s32(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}
EQ_INLINE uint8x16_t vpaddq_u8(uint8x16_t a, uint8x16_t b) {
    return vcombine_u8(vpadd_u8(vget_low_u8(a), vget_high_u8(a)), vpadd_u8(vget_low_u8(b), vget_high_u8(b)));
}
EQ_INLINE uint16x8_t vpaddq_u16(uint16x8_t a, uint16x8_t b) {
    return vcombine_u16(vpadd_u16(vget_low_u16(a), vget_high_u16(a)), vpadd_u16(vget_low_u16(b), vget_high_u16(b)));
}
EQ_INLINE uint32_t vaddvq_u32(uint32x4_t v) {
    const uint32x2_t pairs = vadd_u32(vget_low_u32(v), vget_high_u32(v));
    return vget_lane_u32(vpadd_u32(pairs, pairs), 0);
}
EQ_INLINE int8_t vminv_s8(int8x8_t v) {
    v = vpmin_s8(v, v);
    v = vpmin_s8(v, v);
    return vget_lane_s8(vpmin_s8(v, v), 0);
}
#endif
