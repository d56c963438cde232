/* runner MODEL [ISAS [THREADS]] < inputs > outputs: variant 0 on as many samples as the input holds, with the instruction sets of a mask. A
 * sample is the bytes of every input in the source's type and layout; its outputs follow each other in the same way. */
#include "posix/eq_threads.h"
#include <stdio.h>
#include <stdlib.h>

struct bytes {
    uint8_t *data;
    size_t size;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "runner: %s: %s\n", what, why);
    exit(1);
}

static void check(int status, const char *what) {
    if (status) die(what, eq_status_text(status));
}

static void *aligned(size_t size) {
    void *memory = aligned_alloc(EQ_ALIGN, (size + EQ_ALIGN) / EQ_ALIGN * EQ_ALIGN);
    if (!memory) die("memory", "there is too little");
    return memory;
}

static struct bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) die(path, "cannot be read");
    const long size = ftell(file);
    rewind(file);
    struct bytes b = {aligned((size_t)size), (size_t)size};
    if (fread(b.data, 1, b.size, file) != b.size) die(path, "cannot be read");
    fclose(file);
    return b;
}

/* Whether there was one more sample. */
static int set_inputs(const struct eq_model *model, void *arena) {
    for (int i = 0; i < eq_input_count(model); i++) {
        struct eq_edge edge;
        check(eq_input(model, i, &edge), "input");
        uint8_t *data = aligned(edge.bytes);
        const size_t got = fread(data, 1, edge.bytes, stdin);
        if (got == 0 && i == 0) {
            free(data);
            return 0;
        }
        if (got != edge.bytes) die("inputs", "they end within a sample");
        check(eq_set_input(model, arena, i, edge.type, data, edge.bytes), "input");
        free(data);
    }
    return 1;
}

static void write_outputs(const struct eq_model *model, const void *arena) {
    for (int i = 0; i < eq_output_count(model); i++) {
        struct eq_edge edge;
        check(eq_output(model, i, &edge), "output");
        uint8_t *data = aligned(edge.bytes);
        check(eq_get_output(model, arena, i, edge.type, data, edge.bytes), "output");
        if (fwrite(data, 1, edge.bytes, stdout) != edge.bytes) die("outputs", "cannot be written");
        free(data);
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) die("usage", "runner MODEL [ISAS [THREADS]] < inputs > outputs");
    const int threads = argc == 4 ? (int)strtol(argv[3], NULL, 0) : 1;
    const uint32_t isas = argc >= 3 ? (uint32_t)strtoul(argv[2], NULL, 0) : eq_cpu_isas();
    const struct bytes data = read_file(argv[1]);
    struct eq_file file;
    struct eq_plan plan;
    struct eq_model *model;
    check(eq_file_check(&file, data.data, data.size), argv[1]);
    check(eq_plan(&plan, &file, 0, isas), argv[1]);
    check(eq_open(&model, &file, 0, isas, aligned(plan.model_bytes), plan.model_bytes), argv[1]);
    struct eq_threads *pool = threads == 1 ? NULL : eq_threads_start(threads);
    const size_t arena_bytes = eq_arena_bytes(&plan, threads);
    if (arena_bytes == 0 || (threads != 1 && !pool)) die("threads", "no such number can be started");
    uint8_t *arena = aligned(arena_bytes);
    while (set_inputs(model, arena)) {
        check(eq_run_on(model, arena, arena_bytes, pool ? eq_threads_workers(pool) : NULL, NULL), argv[1]);
        write_outputs(model, arena);
    }
    eq_threads_stop(pool);
    return 0;
}
