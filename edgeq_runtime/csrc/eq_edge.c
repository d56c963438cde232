/* Between the application's layout and type and the tensor inside: SPEC.md 1.1 and 3.3. */
#include "eq_model.h"
#include "eq_quant.h"
#include <stdbool.h>
#include <string.h>

/* One side of a copy: elements of `type` from `at`, `stride` elements apart. */
struct side {
    uint8_t *at;
    int type;
    ptrdiff_t stride;
};

/* How to go over both sides: the last axis is the inner loop. */
struct walk {
    int rank;
    int32_t dims[EQ_MAX_RANK];
    ptrdiff_t inner[EQ_MAX_RANK], outer[EQ_MAX_RANK]; /* strides in elements: of the tensor inside, of the source */
};

#define EACH(to_t, from_t, value)                                                                                                          \
    do {                                                                                                                                   \
        to_t *d = (to_t *)(void *)to->at;                                                                                                  \
        const from_t *s = (const from_t *)(const void *)from->at;                                                                          \
        for (; count--; d += to->stride, s += from->stride) *d = (to_t)(value);                                                            \
    } while (0)

/* Of unsigned to signed bytes, and back. 8 at a time. */
static void flip(uint8_t *restrict to, const uint8_t *restrict from, size_t count) {
    for (; count >= 8; count -= 8, to += 8, from += 8) {
        uint64_t bytes;
        memcpy(&bytes, from, sizeof bytes);
        bytes ^= UINT64_C(0x8080808080808080);
        memcpy(to, &bytes, sizeof bytes);
    }
    for (; count--; to++, from++) *to = *from ^ 0x80;
}

static void convert(const struct side *to, const struct side *from, int32_t count, float scale, int32_t zero) {
    if (to->type == from->type && to->stride == 1 && from->stride == 1) {
        memcpy(to->at, from->at, (size_t)count * eq_type_bytes(to->type));
    } else if (to->type == from->type) {
        if (eq_type_bytes(to->type) == 4) EACH(uint32_t, uint32_t, *s);
        else if (eq_type_bytes(to->type) == 2) EACH(uint16_t, uint16_t, *s);
        else EACH(uint8_t, uint8_t, *s);
    } else if (EQ_HAS(float_edges) && to->type == EQ_TYPE_s16) {
        EACH(int16_t, float, eq_quantize_s16(*s, scale));
    } else if (EQ_HAS(float_edges) && from->type == EQ_TYPE_s16) {
        EACH(float, int16_t, eq_dequantize(*s, scale, 0));
    } else if (EQ_HAS(float_edges) && from->type == EQ_TYPE_f32) {
        int32_t shift = to->type == EQ_TYPE_u8 ? 128 : 0;
        EACH(uint8_t, float, eq_quantize(*s, scale, zero) + shift);
    } else if (EQ_HAS(float_edges) && to->type == EQ_TYPE_f32) {
        if (from->type == EQ_TYPE_u8) EACH(float, uint8_t, eq_dequantize((int8_t)(*s ^ 0x80), scale, zero));
        else EACH(float, int8_t, eq_dequantize(*s, scale, zero));
    } else {
        if (to->stride == 1 && from->stride == 1) flip(to->at, from->at, (size_t)count);
        else EACH(uint8_t, uint8_t, *s ^ 0x80);
    }
}

/* Axes that are contiguous on both sides become one; axes of 1 vanish. */
static void merge_axes(struct walk *walk, const int32_t *dims, const ptrdiff_t *outer) {
    ptrdiff_t inner = 1;
    walk->rank = 0;
    for (int i = EQ_MAX_RANK; i-- > 0;) { /* from the last axis: filled backwards, turned round by the caller's loops */
        if (dims[i] == 1) continue;
        int last = walk->rank - 1;
        if (walk->rank && outer[i] == walk->dims[last] * walk->outer[last]) {
            walk->dims[last] *= dims[i];
        } else {
            walk->dims[walk->rank] = dims[i];
            walk->inner[walk->rank] = inner;
            walk->outer[walk->rank++] = outer[i];
        }
        inner *= dims[i];
    }
}

static void swap_axes(struct walk *walk, int a, int b) {
    struct walk old = *walk;
    walk->dims[a] = old.dims[b], walk->dims[b] = old.dims[a];
    walk->inner[a] = old.inner[b], walk->inner[b] = old.inner[a];
    walk->outer[a] = old.outer[b], walk->outer[b] = old.outer[a];
}

/* Axis 0 of the walk, the inner loop, becomes the longest. */
static void plan_walk(struct walk *walk, const struct eq_edge_row *edge, const struct eq_tensor *tensor) {
    ptrdiff_t source[EQ_MAX_RANK], outer[EQ_MAX_RANK] = {0}, stride = 1;
    for (int i = edge->rank; i-- > 0;) {
        source[i] = stride;
        stride *= edge->shape[i];
    }
    for (int i = 0; i < edge->rank; i++) outer[i] = source[edge->permutation[i]];
    merge_axes(walk, tensor->dims, outer);
    for (int i = 1; i < walk->rank; i++)
        if (walk->dims[i] > walk->dims[0]) swap_axes(walk, 0, i);
}

/* inside: the tensor in the arena; outside: the application's memory. */
static void copy(const struct eq_edge_row *edge, const struct eq_tensor *tensor, struct side inside, struct side outside, int to_outside) {
    struct walk walk;
    int32_t index[EQ_MAX_RANK] = {0};
    const ptrdiff_t inner_size = (ptrdiff_t)eq_type_bytes(inside.type), outer_size = (ptrdiff_t)eq_type_bytes(outside.type);
    plan_walk(&walk, edge, tensor);
    int32_t count = walk.rank ? walk.dims[0] : 1;
    inside.stride = walk.rank ? walk.inner[0] : 1;
    outside.stride = walk.rank ? walk.outer[0] : 1;
    for (;;) {
        convert(to_outside ? &outside : &inside, to_outside ? &inside : &outside, count, tensor->scale, tensor->zero);
        int axis = 1;
        for (; axis < walk.rank; axis++) {
            inside.at += walk.inner[axis] * inner_size;
            outside.at += walk.outer[axis] * outer_size;
            if (++index[axis] < walk.dims[axis]) break;
            inside.at -= walk.inner[axis] * walk.dims[axis] * inner_size;
            outside.at -= walk.outer[axis] * walk.dims[axis] * outer_size;
            index[axis] = 0;
        }
        if (axis >= walk.rank) return;
    }
}

/* The application may hand over the type of the edge, or the integers of an int8 or int16 tensor. */
static int check_argument(const struct eq_edge_row *edge, const struct eq_tensor *tensor, int type, size_t bytes) {
    if (type != edge->type && !(type == tensor->type && (type == EQ_TYPE_s8 || type == EQ_TYPE_s16))) return EQ_ERR_ARGUMENT;
    if (!EQ_HAS(float_edges) && (type == EQ_TYPE_f32 || tensor->type == EQ_TYPE_f32)) return EQ_ERR_UNSUPPORTED;
    return bytes == tensor->count * eq_type_bytes(type) ? EQ_OK : EQ_ERR_ARGUMENT;
}

int eq_set_input(const struct eq_model *model, void *arena, int index, int type, const void *data, size_t bytes) {
    if (!model || !arena || !data || index < 0 || index >= eq_input_count(model)) return EQ_ERR_ARGUMENT;
    const struct eq_tensor *tensor = &model->tensors[eq_input_tensor(model, index)];
    const struct eq_edge_row *edge = &model->inputs[index];
    int status = check_argument(edge, tensor, type, bytes);
    if (status) return status;
    struct side inside = {(uint8_t *)arena + tensor->offset, tensor->type, 1};
    struct side outside = {(uint8_t *)(uintptr_t)data, type, 1};
    copy(edge, tensor, inside, outside, 0);
    return EQ_OK;
}

int eq_get_output(const struct eq_model *model, const void *arena, int index, int type, void *data, size_t bytes) {
    if (!model || !arena || !data || index < 0 || index >= eq_output_count(model)) return EQ_ERR_ARGUMENT;
    const struct eq_tensor *tensor = &model->tensors[eq_output_tensor(model, index)];
    const struct eq_edge_row *edge = &model->outputs[index];
    int status = check_argument(edge, tensor, type, bytes);
    if (status) return status;
    struct side inside = {(uint8_t *)(uintptr_t)arena + tensor->offset, tensor->type, 1};
    struct side outside = {data, type, 1};
    copy(edge, tensor, inside, outside, 1);
    return EQ_OK;
}

/* NULL where the tensor inside is not byte for byte what the application has. */
static void *place(const struct eq_edge_row *edge, const struct eq_tensor *tensor, const void *arena) {
    struct walk walk;
    plan_walk(&walk, edge, tensor);
    const bool same = walk.rank == 0 || (walk.rank == 1 && walk.inner[0] == 1 && walk.outer[0] == 1);
    return same && edge->type == tensor->type ? (uint8_t *)(uintptr_t)arena + tensor->offset : NULL;
}

void *eq_input_place(const struct eq_model *model, void *arena, int index) {
    if (!model || !arena || index < 0 || index >= eq_input_count(model)) return NULL;
    return place(&model->inputs[index], &model->tensors[eq_input_tensor(model, index)], arena);
}

const void *eq_output_place(const struct eq_model *model, const void *arena, int index) {
    if (!model || !arena || index < 0 || index >= eq_output_count(model)) return NULL;
    return place(&model->outputs[index], &model->tensors[eq_output_tensor(model, index)], arena);
}
