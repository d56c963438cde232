#include "eq_model.h"

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }

size_t eq_arena_bytes(const struct eq_plan *plan, int threads) {
    if (!plan || threads < 1 || threads > EQ_THREADS_MAX) return 0;
    const size_t more = (size_t)(threads - 1), each = aligned(plan->scratch_bytes);
    return more && each > (SIZE_MAX - plan->arena_bytes) / more ? 0 : plan->arena_bytes + more * each;
}

int eq_arena_check(const struct eq_model *model, const void *arena, size_t size) {
    if (!model || !arena) return EQ_ERR_ARGUMENT;
    if ((uintptr_t)arena % EQ_ALIGN) return EQ_ERR_ALIGNMENT;
    return size < model->plan.arena_bytes ? EQ_ERR_MEMORY : EQ_OK;
}

/* An operator that several threads run at once. */
struct shared {
    struct eq_call call;
    size_t scratch_step;
    int threads;
};

static void run_share(void *argument, int index) {
    const struct shared *s = argument;
    struct eq_call call = s->call;
    const size_t units = call.node->units, threads = (size_t)s->threads, i = (size_t)index;
    /* Products stay in range: units are at most elements of a tensor. */
    call.first = units / threads * i + units % threads * i / threads;
    call.end = units / threads * (i + 1) + units % threads * (i + 1) / threads;
    call.scratch += i * s->scratch_step;
    if (call.first < call.end) eq_ops[call.node->op].run(&call);
}

int eq_run_on(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_workers *workers,
              const struct eq_observer *observer) {
    int status = eq_arena_check(model, arena, arena_bytes);
    if (status) return status;
    struct shared s = {.call = {.tensors = model->tensors, .arena = arena, .scratch = (uint8_t *)arena + model->scratch_at},
                       .scratch_step = aligned(model->plan.scratch_bytes),
                       .threads = workers ? workers->threads : 1};
    const size_t need = eq_arena_bytes(&model->plan, s.threads);
    if (need == 0 || arena_bytes < need) return need == 0 ? EQ_ERR_ARGUMENT : EQ_ERR_MEMORY;
    const uint32_t count = model->variant.operators.count;
    for (uint32_t i = 0; i < count; i++) {
        s.call.node = &model->nodes[i];
        s.call.first = 0;
        s.call.end = s.call.node->units;
        if (s.threads > 1 && s.call.node->units > 1 && !eq_runs_before(model, i)) workers->run(workers->context, run_share, &s);
        else if (!eq_runs_before(model, i)) eq_ops[s.call.node->op].run(&s.call);
        if (observer) observer->after(observer->context, (int)i);
    }
    return EQ_OK;
}

int eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer) {
    return eq_run_on(model, arena, arena_bytes, NULL, observer);
}
