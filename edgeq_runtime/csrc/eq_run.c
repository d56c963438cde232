#include "eq_model.h"

int eq_arena_check(const struct eq_model *model, const void *arena, size_t size) {
    if (!model || !arena) return EQ_ERR_ARGUMENT;
    if ((uintptr_t)arena % EQ_ALIGN) return EQ_ERR_ALIGNMENT;
    return size < model->plan.arena_bytes ? EQ_ERR_MEMORY : EQ_OK;
}

int eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer) {
    int status = eq_arena_check(model, arena, arena_bytes);
    if (status) return status;
    struct eq_call call = {.tensors = model->tensors, .arena = arena, .scratch = (uint8_t *)arena + model->scratch_at};
    uint32_t count = model->variant.operators.count;
    for (uint32_t i = 0; i < count; i++) {
        call.node = &model->nodes[i];
        eq_ops[call.node->op].run(&call);
        if (observer) observer->after(observer->context, (int)i);
    }
    return EQ_OK;
}
