/* libFuzzer target of the file reader: the input is the body of a file. It gets a right trailer, so that everything behind the hash
 * is reached; what the reader accepts is planned, opened and, where it is small, run. */
#include "eq.h"
#include "eq_hash.h"
#include <stdlib.h>
#include <string.h>

enum { TRAILER = 160, MAX_BYTES = 1 << 22 };
#define MAX_WORK 20000000u /* multiply-adds or elements of one run: a run may be slow without being wrong */

#define EXPECT(condition)                                                                                                                  \
    do {                                                                                                                                   \
        if (!(condition)) abort();                                                                                                         \
    } while (0)

static void *allocate(size_t size) {
    void *memory = NULL;
    EXPECT(!posix_memalign(&memory, EQ_ALIGN, size ? size : 1));
    return memory;
}

static void store32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *wrap(const uint8_t *body, size_t size, size_t *total) {
    size_t length = (size + 63) / 64 * 64;
    uint8_t *file = allocate(length + TRAILER), *trailer = file + length;
    memset(file, 0, length + TRAILER);
    if (size) memcpy(file, body, size);
    memcpy(trailer, "EQMTRAIL", 8);
    store32(trailer + 8, EQ_FORMAT_VERSION);
    store32(trailer + 12, EQ_RUNTIME_VERSION);
    store32(trailer + 16, (uint32_t)length);
    eq_sha256(file, length, trailer + 24);
    store32(trailer + 156, eq_crc32c(0, trailer, 156));
    *total = length + TRAILER;
    return file;
}

/* Every byte of the arena is either an activation or scratch: one byte less must be refused. */
static void run(const struct eq_model *model, const struct eq_plan *plan) {
    uint8_t *arena = allocate(plan->arena_bytes);
    struct eq_edge edge;
    int failed;
    memset(arena, 0xa5, plan->arena_bytes);
    for (int i = 0; i < eq_input_count(model); i++) {
        EXPECT(!eq_input(model, i, &edge));
        uint8_t *data = allocate(edge.bytes);
        memset(data, 0x41, edge.bytes);
        EXPECT(!eq_set_input(model, arena, i, edge.type, data, edge.bytes));
        EXPECT(eq_set_input(model, arena, i, edge.type, data, edge.bytes + 1) == EQ_ERR_ARGUMENT);
        free(data);
    }
    EXPECT(!plan->arena_bytes || eq_run(model, arena, plan->arena_bytes - 1, NULL) == EQ_ERR_MEMORY);
    EXPECT(!eq_run(model, arena, plan->arena_bytes, NULL));
    for (int i = 0; i < eq_output_count(model); i++) {
        EXPECT(!eq_output(model, i, &edge));
        uint8_t *data = allocate(edge.bytes);
        EXPECT(!eq_get_output(model, arena, i, edge.type, data, edge.bytes));
        free(data);
    }
    int status = eq_selftest(model, arena, plan->arena_bytes, &failed);
    EXPECT(status == EQ_OK || status == EQ_ERR_SELFTEST);
    free(arena);
}

/* What a run costs at least; operators that do not count multiply-adds are bounded by what they write. */
static uint64_t work(const struct eq_model *model, const struct eq_plan *plan) {
    uint64_t sum = plan->macs;
    struct eq_tensor_info tensor;
    for (int i = 0; i < eq_tensor_count(model); i++) {
        EXPECT(!eq_tensor(model, i, &tensor));
        sum += tensor.bytes;
    }
    return sum;
}

static void open_variant(const struct eq_file *file, int variant, uint32_t isas) {
    struct eq_plan plan;
    struct eq_model *model;
    if (eq_plan(&plan, file, variant, isas) || plan.model_bytes > MAX_BYTES || plan.arena_bytes > MAX_BYTES) return;
    void *memory = allocate(plan.model_bytes);
    EXPECT(eq_open(&model, file, variant, isas, memory, plan.model_bytes - 1) == EQ_ERR_MEMORY);
    EXPECT(!eq_open(&model, file, variant, isas, memory, plan.model_bytes));
    for (int i = 0; i < eq_op_count(model); i++) {
        struct eq_op_info info;
        EXPECT(!eq_op(model, i, &info) && info.op && info.name && info.kernel && info.isa && info.packing);
    }
    if (work(model, &plan) < MAX_WORK) run(model, &plan);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct eq_file file;
    size_t total;
    uint8_t *bytes = wrap(data, size, &total);
    if (!eq_file_check(&file, bytes, total)) {
        EXPECT(eq_file_name(&file));
        for (int i = 0; i < eq_file_variant_count(&file) && i < 4; i++) {
            EXPECT(eq_file_variant_find(&file, eq_file_variant_name(&file, i)) >= 0);
            open_variant(&file, i, 1);
            open_variant(&file, i, UINT32_MAX);
        }
    }
    free(bytes);
    return 0;
}
