/* Around the body: SPEC.md 3.1. */
#include "eq_file.h"
#include "eq_hash.h"
#include <string.h>

enum { TRAILER = 160, FOOTER = 16, BODY_STEP = 64 };
/* Places in the trailer. */
enum { T_FORMAT = 8, T_RUNTIME = 12, T_LENGTH = 16, T_SHA = 24, T_COUNTER = 56, T_ZERO = 80, T_SIGNATURE = 92, T_CRC = 156 };

static uint64_t little_endian(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    while (bytes--) v = v << 8 | p[bytes];
    return v;
}

/* *end: where the trailer ends. */
static int step_over_costs(const uint8_t *data, size_t size, size_t *end) {
    *end = size;
    if (size < FOOTER || memcmp(data + size - 8, "EQMCOSTS", 8)) return EQ_OK;
    const uint8_t *footer = data + size - FOOTER;
    size_t costs = (size_t)little_endian(footer, 4);
    if (costs > size - FOOTER) return EQ_ERR_TRUNCATED;
    *end = size - FOOTER - costs;
    return eq_crc32c(0, data + *end, costs) == little_endian(footer + 4, 4) ? EQ_OK : EQ_ERR_CHECKSUM;
}

/* Without a trailer: a piece of a model, or something else. */
static int not_a_file(const uint8_t *data, size_t size) {
    return size >= 8 && !memcmp(data + 4, "EQM1", 4) ? EQ_ERR_TRUNCATED : EQ_ERR_MAGIC;
}

static int read_trailer(struct eq_file *file, const uint8_t *data, size_t end) {
    const uint8_t *trailer = data + end - TRAILER;
    if (eq_crc32c(0, trailer, T_CRC) != little_endian(trailer + T_CRC, 4)) return EQ_ERR_CHECKSUM;
    file->format_version = (uint32_t)little_endian(trailer + T_FORMAT, 4);
    if (file->format_version >> 16 > EQ_FORMAT_VERSION >> 16) return EQ_ERR_VERSION;
    if (little_endian(trailer + T_RUNTIME, 4) > EQ_RUNTIME_VERSION) return EQ_ERR_VERSION;
    uint64_t length = little_endian(trailer + T_LENGTH, 8);
    if (length > end - TRAILER) return EQ_ERR_TRUNCATED;
    if (length != end - TRAILER || length % BODY_STEP || length > INT32_MAX) return EQ_ERR_FORMAT;
    for (int i = T_ZERO; i < T_SIGNATURE; i++)
        if (trailer[i]) return EQ_ERR_FORMAT;
    file->body = data;
    file->body_size = (size_t)length;
    file->counter = little_endian(trailer + T_COUNTER, 8);
    memcpy(file->sha256, trailer + T_SHA, sizeof file->sha256);
    return EQ_OK;
}

int eq_container_check(struct eq_file *file, const void *bytes, size_t size) {
    const uint8_t *data = bytes;
    uint8_t digest[32];
    size_t end;
    if (!file || !data) return EQ_ERR_ARGUMENT;
    memset(file, 0, sizeof *file);
    file->size = size;
    int status = step_over_costs(data, size, &end);
    if (status) return status;
    if (end < TRAILER || memcmp(data + end - TRAILER, "EQMTRAIL", 8)) return not_a_file(data, size);
    status = read_trailer(file, data, end);
    if (status) return status;
    eq_sha256(file->body, file->body_size, digest);
    return memcmp(digest, file->sha256, sizeof digest) ? EQ_ERR_CHECKSUM : EQ_OK;
}

int eq_file_check(struct eq_file *file, const void *data, size_t size) {
    int status = eq_container_check(file, data, size);
    if (status) return status;
    return (uintptr_t)data % 16 ? EQ_ERR_ALIGNMENT : eq_body_check(file);
}
