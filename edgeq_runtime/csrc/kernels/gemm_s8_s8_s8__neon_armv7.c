#include "neon_s8.h"
#include "neon_smlal.h"

/* With a weight of -128 two products may not fit. */
EQ_PRODUCTS(panel_low, EQ_RARE, rows_of(x, w, low, units, MR, 1, sums))
EQ_PRODUCTS(single_low, EQ_RARE, EQ_BLOCKS(x, w, low, apart, units, 1, sums))

void eq_gemm_s8_s8_s8__neon_armv7(const struct eq_gemm_s8_s8_s8 *args) {
    const struct engine low = {panel_low, panel_low, single_low};
    panel_run((low_args)args, args->w_lowest == INT8_MIN ? low : ENGINE);
}
