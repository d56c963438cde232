#include "rq.h"

struct eq_rq eq_rq_from(const struct eq_tensor *rq, size_t first) {
    const size_t channels = rq->count / 9;
    const int32_t *words = (const void *)rq->data;
    const struct eq_rq r = {words + first, words + channels + first, (const int8_t *)(words + 2 * channels) + first};
    return r;
}

int32_t eq_s8_reach(int32_t zero) { return zero > -1 ? zero - INT8_MIN : INT8_MAX - zero; }
