#include "cortexm_mve.h"

void eq_sum_s32_s8_s8__cortexm_mve(const struct eq_sum_s32_s8_s8 *d) {
    for (size_t c = 0; c < d->channels; c += LANES) {
        const mve_pred16_t real = vctp32q((uint32_t)(d->channels - c));
        const int8_t *x = d->x + c;
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
            const int8_t *at = x;
            for (size_t t = 0; t < d->cols; t++, at += d->col_step) sum = vaddq_s32(sum, vldrbq_z_s32(at, real));
        }
        vstrwq_p_s32(d->y + c, sum, real);
    }
}
