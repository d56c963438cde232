#include "op.h"

int eq_prepare_cast(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED(x->type >= EQ_TYPE_f32 && x->type <= EQ_TYPE_u8, EQ_ERR_UNSUPPORTED);
    EQ_NEED(y->type >= EQ_TYPE_f32 && y->type <= EQ_TYPE_u8, EQ_ERR_UNSUPPORTED);
    return eq_prepare_elementwise(node, ctx, x->type, y->type);
}

/* Toward zero, saturating; NaN gives 0. */
static inline int32_t whole(float v) { return v != v ? 0 : v >= 0x1p31f ? INT32_MAX : v < -0x1p31f ? INT32_MIN : (int32_t)v; }

static inline int32_t clamp(int32_t v, int32_t lo, int32_t hi) { return v < lo ? lo : v > hi ? hi : v; }

#define EACH(from, to, expression)                                                                                                         \
    do {                                                                                                                                   \
        const from *in = x;                                                                                                                \
        to *restrict out = y;                                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                                                   \
            const from v = in[i];                                                                                                          \
            out[i] = (to)(expression);                                                                                                     \
        }                                                                                                                                  \
    } while (0)

/* From one type of integer to every type. */
#define FROM(type)                                                                                                                         \
    static void from_##type(const void *x, void *y, size_t n, int to) {                                                                    \
        switch (to) {                                                                                                                      \
        case EQ_TYPE_f32:                                                                                                                  \
            EACH(type, float, v);                                                                                                          \
            break;                                                                                                                         \
        case EQ_TYPE_s32:                                                                                                                  \
            EACH(type, int32_t, v);                                                                                                        \
            break;                                                                                                                         \
        case EQ_TYPE_s8:                                                                                                                   \
            EACH(type, int8_t, clamp(v, INT8_MIN, INT8_MAX));                                                                              \
            break;                                                                                                                         \
        default:                                                                                                                           \
            EACH(type, uint8_t, clamp(v, 0, UINT8_MAX));                                                                                   \
        }                                                                                                                                  \
    }
FROM(int32_t)
FROM(int8_t)
FROM(uint8_t)

static void from_float(const void *x, void *y, size_t n, int to) {
    switch (to) {
    case EQ_TYPE_f32:
        EACH(float, float, v);
        break;
    case EQ_TYPE_s32:
        EACH(float, int32_t, whole(v));
        break;
    case EQ_TYPE_s8:
        EACH(float, int8_t, clamp(whole(v), INT8_MIN, INT8_MAX));
        break;
    default:
        EACH(float, uint8_t, clamp(whole(v), 0, UINT8_MAX));
    }
}

void eq_run_cast(const struct eq_call *call) {
    const struct eq_tensor *in = eq_in(call->node, call->tensors, 0), *out = eq_out(call->node, call->tensors, 0);
    const void *x = eq_read(call, 0);
    void *y = eq_write(call, 0);
    switch (in->type) {
    case EQ_TYPE_f32:
        from_float(x, y, in->count, out->type);
        break;
    case EQ_TYPE_s32:
        from_int32_t(x, y, in->count, out->type);
        break;
    case EQ_TYPE_s8:
        from_int8_t(x, y, in->count, out->type);
        break;
    default:
        from_uint8_t(x, y, in->count, out->type);
    }
}
