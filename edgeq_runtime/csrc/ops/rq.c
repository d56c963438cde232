#include "rq.h"

struct eq_rq eq_rq_from(const struct eq_tensor *rq, size_t first) {
    const size_t channels = rq->count / 9;
    const int32_t *words = (const void *)rq->data;
    const struct eq_rq r = {words + first, words + channels + first, (const int8_t *)(words + 2 * channels) + first};
    return r;
}

int eq_rq_check(const struct eq_tensor *rq, size_t channels, const struct eq_s8_attrs *attrs) {
    EQ_NEED_SHAPE(eq_is_s8(attrs->x_zero) && eq_is_s8(attrs->w_zero) && eq_s8_valid(attrs->y_zero, attrs->lo, attrs->hi));
    EQ_NEED_SHAPE(rq->count % 9 == 0 && eq_is_table(rq, EQ_TYPE_u8, rq->count) && rq->count / 9 == channels);
    const struct eq_rq r = eq_rq_from(rq, 0);
    for (size_t o = 0; o < channels; o++) EQ_NEED(eq_rq_valid(r.m[o], r.n[o]), EQ_ERR_FORMAT);
    return EQ_OK;
}

int32_t eq_s8_reach(int32_t zero) { return zero > -1 ? zero - INT8_MIN : INT8_MAX - zero; }

bool eq_accumulator_fits(const int8_t *w, size_t count, size_t step, int32_t bias, const struct eq_s8_attrs *attrs) {
    int64_t sum = 0; /* at most 2^31 weights of 255 */
    for (size_t i = 0; i < count; i++) {
        const int32_t v = w[i * step] - attrs->w_zero;
        sum += v < 0 ? -v : v;
    }
    const int64_t most = bias < 0 ? -(int64_t)bias : bias;
    return sum * eq_s8_reach(attrs->x_zero) + most <= INT32_MAX;
}
