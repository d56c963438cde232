/* The samples that every file carries: SPEC.md 3.4. */
#include "eq_hash.h"
#include "eq_model.h"
#include <string.h>

static uint32_t next_word(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static void generate(const struct eq_tensor *tensor, uint8_t *at, uint32_t *state) {
    for (size_t i = 0; i < tensor->count; i++) {
        uint32_t w = next_word(state);
        const uint16_t top = (uint16_t)(w >> 16);
        if (EQ_HAS(float_edges) && tensor->type == EQ_TYPE_f32) {
            const float f = (float)((int32_t)w >> 8) * 0x1p-23f;
            memcpy(at + 4 * i, &f, sizeof f);
        } else if (tensor->type == EQ_TYPE_s32) memcpy(at + 4 * i, &w, sizeof w);
        else if (tensor->type == EQ_TYPE_s16) memcpy(at + 2 * i, &top, sizeof top);
        else at[i] = (uint8_t)(w >> 24);
    }
}

/* Sample 0 lies in the file; the others come from a seed. */
static int set_inputs(const struct eq_model *model, const struct eq_samples *samples, uint32_t sample, uint8_t *arena) {
    uint32_t state = sample ? (uint32_t)eq_vector_int(&samples->seeds, sample - 1) : 0;
    for (int i = 0; i < eq_input_count(model); i++) {
        const struct eq_tensor *tensor = &model->tensors[eq_input_tensor(model, i)];
        const uint8_t *data;
        uint32_t size;
        if (sample) {
            generate(tensor, arena + tensor->offset, &state);
            continue;
        }
        int status = eq_reader_buffer(&model->reader, (uint32_t)eq_vector_int(&samples->inputs, (uint32_t)i), &data, &size);
        if (status) return status;
        memcpy(arena + tensor->offset, data, tensor->bytes);
    }
    return EQ_OK;
}

static int compare_outputs(const struct eq_model *model, const struct eq_samples *samples, uint32_t sample, const uint8_t *arena) {
    uint32_t outputs = model->variant.outputs.count;
    for (uint32_t i = 0; i < outputs; i++) {
        const struct eq_tensor *tensor = &model->tensors[eq_output_tensor(model, (int)i)];
        const uint8_t *want, *got = arena + tensor->offset;
        uint8_t digest[32];
        uint32_t size;
        int status = eq_reader_buffer(&model->reader, (uint32_t)eq_vector_int(&samples->outputs, sample * outputs + i), &want, &size);
        if (status) return status;
        if (tensor->bytes > EQ_HASH_ABOVE) {
            eq_sha256(got, tensor->bytes, digest);
            got = digest;
        }
        if (memcmp(got, want, size)) return EQ_ERR_SELFTEST;
    }
    return EQ_OK;
}

int eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed) {
    struct eq_samples samples;
    int status = eq_arena_check(model, arena, arena_bytes);
    if (!status) status = eq_reader_samples(&model->reader, &model->variant, &samples);
    if (status || !samples.present) return status;
    for (uint32_t i = 0; i <= samples.seeds.count; i++) {
        status = set_inputs(model, &samples, i, arena);
        if (!status) status = eq_run(model, arena, arena_bytes, NULL);
        if (!status) status = compare_outputs(model, &samples, i, arena);
        if (status && failed) *failed = (int)i;
        if (status) return status;
    }
    return EQ_OK;
}
