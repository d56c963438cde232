#include "neon.h"

struct values {
    int8x16_t plus, minus;
};

/* Of 16 signs that lie in two bytes from `byte` on. */
EQ_INLINE int8x16_t half(const struct values *v, uint8x16_t signs, uint8_t byte) {
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    const uint8x16_t place = vcombine_u8(vdup_n_u8(byte), vdup_n_u8((uint8_t)(byte + 1)));
    return vbslq_s8(vtstq_u8(vqtbl1q_u8(signs, place), bit), v->minus, v->plus);
}

EQ_INLINE void word(const struct values *v, uint32_t signs, int8_t *y) {
    const uint8x16_t bytes = vreinterpretq_u8_u32(vdupq_n_u32(signs));
    vst1q_s8(y, half(v, bytes, 0));
    vst1q_s8(y + 16, half(v, bytes, 2));
}

EQ_INLINE void four_words(const struct values *v, const uint32_t *signs, int8_t *y) {
    const uint8x16_t bytes = vreinterpretq_u8_u32(vld1q_u32(signs));
    for (uint8_t i = 0; i < 8; i++) vst1q_s8(y + 16 * i, half(v, bytes, (uint8_t)(2 * i)));
}

void eq_unpack_s8_b1_b1__neon(const struct eq_unpack_s8_b1_b1 *args) {
    const struct eq_unpack_s8_b1_b1 local = *args, *d = &local; /* which no store can change */
    const struct values v = {vdupq_n_s8(d->plus), vdupq_n_s8(d->minus)};
    const uint32_t *x = d->x;
    int8_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++) {
        size_t c = 0;
        for (; c + 4 * EQ_SIGNS <= d->channels; c += 4 * EQ_SIGNS, x += 4, y += 4 * EQ_SIGNS) four_words(&v, x, y);
        for (; c + EQ_SIGNS <= d->channels; c += EQ_SIGNS, y += EQ_SIGNS) word(&v, *x++, y);
        if (c == d->channels) continue;
        int8_t bytes[EQ_SIGNS];
        word(&v, *x++, bytes);
        memcpy(y, bytes, d->channels - c);
        y += d->channels - c;
    }
}
