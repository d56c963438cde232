#include "neon.h"

EQ_INLINE uint8x16_t at_most(const int8_t *x, const int8_t *limits) {
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    return vandq_u8(vcleq_s8(vld1q_s8(x), vld1q_s8(limits)), bit);
}

/* Of 64 channels. */
EQ_INLINE uint64_t two_words(const int8_t *x, const int8_t *limits) {
    const uint8x16_t low = vpaddq_u8(at_most(x, limits), at_most(x + 16, limits + 16));
    const uint8x16_t fours = vpaddq_u8(low, vpaddq_u8(at_most(x + 32, limits + 32), at_most(x + 48, limits + 48)));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)), 0);
}

EQ_INLINE void store_two(const struct eq_sign_b1_s8_s8 *d, const int8_t *x, size_t c, uint32_t *y) {
    uint64_t keep, flip, bits = two_words(x, d->limits + c);
    memcpy(&keep, d->keep + c / EQ_SIGNS, sizeof keep);
    memcpy(&flip, d->flip + c / EQ_SIGNS, sizeof flip);
    bits = (bits & keep) ^ flip;
    memcpy(y, &bits, sizeof bits);
}

/* Of 32 channels. */
EQ_INLINE uint32_t word(const int8_t *x, const int8_t *limits) {
    const uint8x16_t pairs = vpaddq_u8(at_most(x, limits), at_most(x + 16, limits + 16)), fours = vpaddq_u8(pairs, pairs);
    return vgetq_lane_u32(vreinterpretq_u32_u8(vpaddq_u8(fours, fours)), 0);
}

/* Fewer than 32 channels that end a row; nothing beside the row is read. */
EQ_INLINE uint32_t rest(const struct eq_sign_b1_s8_s8 *d, const int8_t *x, size_t first) {
    const size_t left = d->channels - first, missing = EQ_SIGNS - left;
    if (first > 0) return word(x - missing, d->limits + first - missing) >> missing;
    int8_t bytes[EQ_SIGNS] = {0};
    memcpy(bytes, x, left);
    return word(bytes, d->limits);
}

void eq_sign_b1_s8_s8__neon(const struct eq_sign_b1_s8_s8 *args) {
    const struct eq_sign_b1_s8_s8 local = *args, *d = &local; /* which no store can change */
    const int8_t *x = d->x;
    uint32_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++) {
        size_t c = 0;
        for (; c + 2 * EQ_SIGNS <= d->channels; c += 2 * EQ_SIGNS, x += 2 * EQ_SIGNS, y += 2) store_two(d, x, c, y);
        for (; c + EQ_SIGNS <= d->channels; c += EQ_SIGNS, x += EQ_SIGNS)
            *y++ = (word(x, d->limits + c) & d->keep[c / EQ_SIGNS]) ^ d->flip[c / EQ_SIGNS];
        if (c == d->channels) continue;
        *y++ = (rest(d, x, c) & d->keep[c / EQ_SIGNS]) ^ d->flip[c / EQ_SIGNS];
        x += d->channels - c;
    }
}
