#include "weights.h"

enum { CHUNK = 64 /* elements that are read at once */ };

/* The number of groups of a tap says how long they are: no two sizes make the same number of them, where there are two or more. */
static size_t group_of(size_t depth, size_t groups) {
    for (size_t size = 32; size <= 128; size *= 2)
        if ((depth + size - 1) / size == groups) return size;
    return 0;
}

static bool is_low(int type) { return type == EQ_TYPE_s4 || type == EQ_TYPE_s2; }

/* The fourth input: multipliers of groups, the bias of a high plane alone, or the low plane. */
static int more(struct eq_weights *w, const struct eq_tensor *t, size_t channels, size_t taps, size_t depth) {
    EQ_NEED_SHAPE(t->data != NULL);
    if (t->type == EQ_TYPE_u8) {
        const size_t groups = t->count / (channels * taps);
        EQ_NEED(is_low(w->type) && depth != 0, EQ_ERR_UNSUPPORTED);
        EQ_NEED_SHAPE(groups > 1 && t->count == channels * taps * groups);
        w->group = group_of(depth, groups);
        EQ_NEED_SHAPE(w->group != 0);
        w->multipliers = t->data;
        w->multiplier_count = t->count;
        return EQ_OK;
    }
    EQ_NEED(w->type == EQ_TYPE_s4, EQ_ERR_UNSUPPORTED);
    if (t->type == EQ_TYPE_s32) {
        EQ_NEED_SHAPE(t->count == channels);
        w->rq.bias = (const void *)t->data;
        w->times = 16;
        return EQ_OK;
    }
    EQ_NEED_TYPE(t, EQ_TYPE_s4);
    EQ_NEED_SHAPE(t->count == w->count);
    w->low = t->data;
    return EQ_OK;
}

int eq_weights_from(struct eq_weights *w, const struct eq_node *node, const struct eq_tensor *tensors, size_t channels, size_t taps,
                    size_t depth, int32_t w_zero) {
    const struct eq_tensor *data = eq_in(node, tensors, 1), *rq = eq_in(node, tensors, 2);
    /* One by one: this is done at every run, where a struct that is set to 0 and copied would take longer than all of it. */
    w->data = data->data;
    w->low = w->multipliers = NULL;
    w->group = w->multiplier_count = 0;
    w->depth = depth;
    w->times = 1;
    w->zero = w_zero;
    w->type = data->type;
    w->count = data->count;
    EQ_NEED_SHAPE(data->data != NULL);
    EQ_NEED(w->type == EQ_TYPE_s8 || (EQ_HAS(low_weights) && (w->type == EQ_TYPE_b1 || is_low(w->type))), EQ_ERR_UNSUPPORTED);
    EQ_NEED(w->type == EQ_TYPE_s8 || w->zero == 0, EQ_ERR_UNSUPPORTED);
    EQ_NEED_SHAPE(rq->count % 9 == 0 && eq_is_table(rq, EQ_TYPE_u8, rq->count) && rq->count / 9 == channels);
    w->rq = eq_rq_from(rq, 0);
    if (node->input_count <= 3) return EQ_OK;
    return EQ_HAS(low_weights) ? more(w, eq_in(node, tensors, 3), channels, taps, depth) : EQ_ERR_UNSUPPORTED;
}

/* Element i of a tensor whose elements have 1, 2 or 4 bits. By shifts: not every CPU divides. */
static int low_bits(const uint8_t *data, int bits, size_t i) {
    const int per_byte = 3 - bits / 2; /* as a power of 2 */
    const int sign = 1 << (bits - 1), at = (int)(i & ((1u << per_byte) - 1)) * bits, field = data[i >> per_byte] >> at & (2 * sign - 1);
    return (field ^ sign) - sign;
}

int eq_weights_check(const struct eq_weights *w, size_t channels, const struct eq_s8_attrs *attrs) {
    EQ_NEED_SHAPE(eq_is_s8(attrs->x_zero) && eq_is_s8(attrs->w_zero) && eq_s8_valid(attrs->y_zero, attrs->lo, attrs->hi));
    for (size_t o = 0; o < channels; o++) EQ_NEED(eq_rq_valid(w->rq.m[o], w->rq.n[o]), EQ_ERR_FORMAT);
    for (size_t i = 0; EQ_HAS(low_weights) && i < w->multiplier_count; i++)
        EQ_NEED(w->multipliers[i] >= 1 && w->multipliers[i] <= INT8_MAX, EQ_ERR_FORMAT);
    for (size_t i = 0; EQ_HAS(low_weights) && w->low && i < w->count; i++)
        EQ_NEED(low_bits(w->data, 4, i) > -8, EQ_ERR_FORMAT); /* 16 (-8) + low leaves int8 */
    return EQ_OK;
}

void eq_weights_read(const struct eq_weights *w, size_t first, size_t step, size_t count, int8_t *to) {
    if (eq_are_bytes(w)) {
        for (size_t i = 0; i < count; i++) to[i] = (int8_t)w->data[first + i * step];
        return;
    }
    const int bits = (int)eq_type_bits(w->type);
    for (size_t i = 0, at = first; i < count; i++, at += step) {
        int v = low_bits(w->data, bits, at);
        if (bits == 1) v = 2 * v + 1;
        if (w->low) v = 16 * v + low_bits(w->low, bits, at);
        to[i] = (int8_t)v;
    }
}

struct eq_weight_sum eq_matrix_sum(const struct eq_matrix *x, size_t o) {
    const struct eq_weights *w = x->w;
    const size_t most = w->group && w->group < CHUNK ? w->group : CHUNK, groups = w->group ? (x->part + w->group - 1) / w->group : 0;
    struct eq_weight_sum s = {0, 0, INT8_MAX};
    int8_t chunk[CHUNK];
    for (size_t p = 0; p < x->parts; p++)
        for (size_t i = 0; i < x->part; i += most) {
            const size_t count = x->part - i < most ? x->part - i : most;
            const int32_t times = w->multipliers ? w->multipliers[((x->channel + o) * x->parts + p) * groups + i / w->group] : w->times;
            int32_t sum = 0, magnitude = 0;
            eq_weights_read(w, x->first + o * x->o_step + p * x->part_step + i * x->k_step, x->k_step, count, chunk);
            for (size_t j = 0; j < count; j++) {
                const int32_t v = chunk[j] - w->zero;
                sum += v;
                magnitude += v < 0 ? -v : v;
                if (chunk[j] * w->times < s.lowest) s.lowest = chunk[j] * w->times;
            }
            s.sum += (int64_t)sum * times;
            s.magnitude += (int64_t)magnitude * times;
        }
    return s;
}

bool eq_matrix_fits(const struct eq_matrix *x, int32_t x_zero) {
    for (size_t o = 0; o < x->n; o++) {
        const int64_t bias = x->w->rq.bias[x->channel + o], most = eq_matrix_sum(x, o).magnitude * eq_s8_reach(x_zero);
        if (most + (bias < 0 ? -bias : bias) > INT32_MAX) return false;
    }
    return true;
}
