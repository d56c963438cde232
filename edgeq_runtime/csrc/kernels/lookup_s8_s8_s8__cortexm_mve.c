#include "cortexm_mve.h"

void eq_lookup_s8_s8_s8__cortexm_mve(const struct eq_lookup_s8_s8_s8 *d) {
    const int8_t *x = d->x;
    int8_t *y = d->y;
    for (size_t left = d->n; left > 0; left -= left < BYTES ? left : BYTES, x += BYTES, y += BYTES) {
        const mve_pred16_t real = vctp8q((uint32_t)left);
        const uint8x16_t at = veorq_u8((uint8x16_t)vldrbq_z_s8(x, real), vdupq_n_u8(128));
        vstrbq_p_s8(y, vldrbq_gather_offset_z_s8(d->table, at, real), real);
    }
}
