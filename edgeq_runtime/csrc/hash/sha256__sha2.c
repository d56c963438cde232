#include "sha256.h"
#include <arm_neon.h>

void eq_sha256__sha2(uint32_t state[8], const uint8_t *data, size_t count) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; count; data += 64, count--) {
        const uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t w[4]; /* the next 16 words */
        for (int i = 0; i < 4; i++) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
        for (int i = 0; i < 64; i += 4) {
            const uint32x4_t sum = vaddq_u32(w[0], vld1q_u32(eq_sha256_rounds + i)), a = abcd;
            const uint32x4_t fresh = vsha256su1q_u32(vsha256su0q_u32(w[0], w[1]), w[2], w[3]);
            abcd = vsha256hq_u32(abcd, efgh, sum);
            efgh = vsha256h2q_u32(efgh, a, sum);
            w[0] = w[1];
            w[1] = w[2];
            w[2] = w[3];
            w[3] = fresh;
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}
