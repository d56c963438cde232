/* libFuzzer target of what lies around a body: trailer, measured costs, versions (SPEC 3.1). Byte 0 of the input says what is made
 * right, byte 1 how long the costs are; with ASSEMBLE clear the rest is the file as it is, else body, trailer and costs in this order. */
#include "eq.h"
#include "eq_hash.h"
#include <stdlib.h>
#include <string.h>

enum { TRAILER = 160, FOOTER = 16, STEP = 64 };
enum { ASSEMBLE = 1, COSTS = 2, VERSIONS = 4, LENGTH = 8, ZEROS = 16, SHA = 32, CRC = 64, COSTS_CRC = 128 };

#define EXPECT(condition)                                                                                                                  \
    do {                                                                                                                                   \
        if (!(condition)) abort();                                                                                                         \
    } while (0)

struct bytes {
    uint8_t *data; /* exactly `size` bytes: one read beyond them is found */
    size_t size;
};

static struct bytes allocate(size_t size) {
    struct bytes b = {NULL, size};
    void *memory = NULL;
    EXPECT(!posix_memalign(&memory, EQ_ALIGN, size ? size : 1));
    b.data = memory;
    memset(memory, 0, size);
    return b;
}

static void store32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/* What the input asks for of the trailer of a body that ends where it begins. */
static void mend_trailer(struct bytes file, size_t body, int how) {
    uint8_t *trailer = file.data + body;
    memcpy(trailer, "EQMTRAIL", 8);
    if (how & VERSIONS) {
        store32(trailer + 8, EQ_FORMAT_VERSION);
        store32(trailer + 12, EQ_RUNTIME_VERSION);
    }
    if (how & LENGTH) {
        store32(trailer + 16, (uint32_t)body);
        store32(trailer + 20, 0);
    }
    if (how & ZEROS) memset(trailer + 80, 0, 12);
    if (how & SHA) eq_sha256(file.data, body, trailer + 24);
    if (how & CRC) store32(trailer + 156, eq_crc32c(0, trailer, 156));
}

static void mend_costs(struct bytes file, size_t costs, int how) {
    uint8_t *footer = file.data + file.size - FOOTER;
    store32(footer, (uint32_t)costs);
    memcpy(footer + 8, "EQMCOSTS", 8);
    if (how & COSTS_CRC) store32(footer + 4, eq_crc32c(0, footer - costs, costs));
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static struct bytes assemble(const uint8_t *data, size_t size, size_t costs, int how) {
    costs = how & COSTS ? smaller(costs, size) : 0;
    const size_t trailer = smaller(TRAILER, size - costs), body = size - costs - trailer, padded = (body + STEP - 1) / STEP * STEP;
    struct bytes file = allocate(padded + TRAILER + (how & COSTS ? costs + FOOTER : 0));
    memcpy(file.data, data, body);
    memcpy(file.data + padded, data + body, trailer);
    mend_trailer(file, padded, how);
    if (how & COSTS) {
        memcpy(file.data + padded + TRAILER, data + body + trailer, costs);
        mend_costs(file, costs, how);
    }
    return file;
}

/* Whatever is taken is what its trailer says, and hides nothing. */
static void taken(const struct eq_file *file, struct bytes from) {
    uint8_t digest[32];
    EXPECT(file->body == from.data && file->body_size % STEP == 0 && file->body_size + TRAILER <= from.size);
    EXPECT(file->format_version >> 16 <= EQ_FORMAT_VERSION >> 16);
    eq_sha256(file->body, file->body_size, digest);
    EXPECT(!memcmp(digest, file->sha256, sizeof digest));
    EXPECT(eq_file_name(file));
    for (int i = 0; i < eq_file_variant_count(file) && i < 4; i++) EXPECT(eq_file_variant_name(file, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct eq_file file;
    if (size < 2) return 0;
    struct bytes bytes;
    if (data[0] & ASSEMBLE) {
        bytes = assemble(data + 2, size - 2, data[1], data[0]);
    } else {
        bytes = allocate(size - 2);
        if (bytes.size) memcpy(bytes.data, data + 2, bytes.size);
    }
    const int status = eq_file_check(&file, bytes.data, bytes.size);
    if (status == EQ_OK) taken(&file, bytes);
    EXPECT(status == EQ_OK || *eq_status_text(status));
    free(bytes.data);
    return 0;
}
