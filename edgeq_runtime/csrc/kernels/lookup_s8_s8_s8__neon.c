/* Four table instructions of 64 entries: the first gives 0 beyond its own, the others keep what is there. */
#include "neon.h"

enum { STEP = 16, QUARTER = 64 };

struct table {
    uint8x16x4_t part[4];
};

EQ_INLINE void some(const struct table *t, const int8_t *x, int8_t *y) {
    const uint8x16_t quarter = vdupq_n_u8(QUARTER);
    uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(x)), vdupq_n_u8(0x80)), v = vqtbl4q_u8(t->part[0], at);
    for (int j = 1; j < 4; j++) {
        at = vsubq_u8(at, quarter);
        v = vqtbx4q_u8(v, t->part[j], at);
    }
    vst1q_s8(y, vreinterpretq_s8_u8(v));
}

/* The last step ends at the end, over what is done already. */
void eq_lookup_s8_s8_s8__neon(const struct eq_lookup_s8_s8_s8 *d) {
    if (d->n < STEP) {
        for (size_t i = 0; i < d->n; i++) d->y[i] = d->table[d->x[i] + 128];
        return;
    }
    struct table t;
    for (int j = 0; j < 16; j++) t.part[j / 4].val[j % 4] = vld1q_u8((const uint8_t *)d->table + STEP * j);
    size_t i = 0;
    for (; i + STEP <= d->n; i += STEP) some(&t, d->x + i, d->y + i);
    if (i < d->n) some(&t, d->x + d->n - STEP, d->y + d->n - STEP);
}
