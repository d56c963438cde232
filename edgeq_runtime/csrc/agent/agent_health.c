/* The health check: what a file must pass on this device before it may run. */
#include "eq_agent.h"

struct subject {
    const void *data;
    size_t size;
    uint32_t isas;
};

static int check_variant(const struct eq_file *file, int variant, uint32_t isas, int32_t *detail) {
    struct eq_plan plan;
    struct eq_model *model;
    int failed = -1;
    *detail = eq_plan(&plan, file, variant, isas);
    if (*detail) return EQ_FAULT_model;
    void *memory = eq_port_alloc(plan.model_bytes), *arena = eq_port_alloc(plan.arena_bytes);
    int fault = memory && arena ? 0 : EQ_FAULT_memory;
    if (!fault) {
        *detail = eq_open(&model, file, variant, isas, memory, plan.model_bytes);
        if (*detail) fault = EQ_FAULT_model;
    }
    if (!fault && eq_selftest(model, arena, plan.arena_bytes, &failed)) {
        *detail = failed;
        fault = EQ_FAULT_selftest_failed;
    }
    eq_port_free(arena);
    eq_port_free(memory);
    return fault;
}

static void check_all(void *argument, void *result) {
    const struct subject *subject = argument;
    struct eq_health *health = result;
    struct eq_file file;
    *health = (struct eq_health){0};
    health->detail = eq_file_check(&file, subject->data, subject->size);
    health->fault = health->detail ? EQ_FAULT_model : 0;
    int count = health->fault ? 0 : eq_file_variant_count(&file);
    for (int i = 0; i < count && !health->fault; i++) health->fault = check_variant(&file, i, subject->isas, &health->detail);
    health->variants = (uint32_t)count;
}

int eq_agent_health(struct eq_health *health, const void *data, size_t size, uint32_t isas, uint32_t limit_ms, int (*alive)(void *),
                    void *context) {
    struct subject subject = {data, size, isas};
    struct eq_port_work work = {check_all, &subject, health, sizeof *health, limit_ms, alive, context, 0};
    *health = (struct eq_health){0};
    int fault = eq_port_guard(&work);
    if (!fault) return health->fault;
    *health = (struct eq_health){fault, work.detail, 0};
    return fault;
}
