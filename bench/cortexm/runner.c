/* A model on one sample, as often as it is told; then how many ticks of SysTick the last run took, and the output bytes. What it works on
 * lies in memory: four words (bytes of the model, bytes of the sample, runs, instruction sets), the model from byte 64 on, and the sample
 * behind it from the next multiple of 64 on. */
#include "eq.h"
#include <stdio.h>
#include <stdlib.h>

#define SYST ((volatile uint32_t *)0xe000e010) /* control, reload, value */
enum { CONTROL, RELOAD, VALUE, RUNNING = 5, TICKS = 0xffffff };

extern uint8_t pool_start[], pool_end[];
extern const uint32_t blob[];

static uint8_t *pool = pool_start;
static void *take(size_t size) {
    uint8_t *memory = pool;
    if (size > (size_t)(pool_end - pool)) {
        printf("too little memory for %lu bytes\n", (unsigned long)size);
        exit(1);
    }
    pool += (size + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN;
    return memory;
}

static void check(int status) {
    if (!status) return;
    puts(eq_status_text(status));
    exit(1);
}

static void write_outputs(const struct eq_model *model, const void *arena) {
    for (int i = 0; i < eq_output_count(model); i++) {
        struct eq_edge edge;
        check(eq_output(model, i, &edge));
        uint8_t *data = take(edge.bytes);
        check(eq_get_output(model, arena, i, edge.type, data, edge.bytes));
        for (size_t b = 0; b < edge.bytes; b++) printf("%02x", data[b]);
    }
    putchar('\n');
}

int main(void) {
    const uint8_t *model_at = (const uint8_t *)blob + EQ_ALIGN, *sample;
    struct eq_file file;
    struct eq_plan plan;
    struct eq_model *model;
    uint32_t ticks = 0;
    sample = model_at + (blob[0] + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN;
    check(eq_file_check(&file, model_at, blob[0]));
    check(eq_plan(&plan, &file, 0, blob[3]));
    check(eq_open(&model, &file, 0, blob[3], take(plan.model_bytes), plan.model_bytes));
    uint8_t *arena = take(plan.arena_bytes);
    SYST[RELOAD] = TICKS;
    SYST[VALUE] = 0;
    SYST[CONTROL] = RUNNING;
    for (uint32_t i = 0; i < blob[2]; i++) {
        const uint32_t before = SYST[VALUE];
        const uint8_t *from = sample;
        for (int in = 0; in < eq_input_count(model); in++) {
            struct eq_edge edge;
            check(eq_input(model, in, &edge));
            check(eq_set_input(model, arena, in, edge.type, from, edge.bytes));
            from += edge.bytes;
        }
        check(eq_run(model, arena, plan.arena_bytes, NULL));
        ticks = (before - SYST[VALUE]) & TICKS;
    }
    printf("%lu %lu %lu\n", (unsigned long)ticks, (unsigned long)plan.arena_bytes, (unsigned long)plan.model_bytes);
    write_outputs(model, arena);
    return 0;
}
