#include "eq_flatbuffer.h"
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian and read in place");

static uint16_t load16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* size bytes at `at` lie in the body. `at` has 64 bits so that no caller's sum can wrap. */
static int inside(const struct eq_body *body, uint64_t at, uint64_t size) { return size <= body->size && at <= body->size - size; }

static int table_at(const struct eq_body *body, uint64_t at, struct eq_table *table) {
    if (at % 4 || !inside(body, at, 4)) return EQ_ERR_FORMAT;
    int32_t back = (int32_t)load32(body->data + at);
    int64_t vtable = (int64_t)at - back;
    if (vtable < 0 || vtable % 2 || !inside(body, (uint64_t)vtable, 4)) return EQ_ERR_FORMAT;
    uint16_t vtable_size = load16(body->data + vtable);
    table->size = load16(body->data + vtable + 2);
    if (vtable_size < 4 || vtable_size % 2 || !inside(body, (uint64_t)vtable, vtable_size)) return EQ_ERR_FORMAT;
    if (table->size < 4 || !inside(body, at, table->size)) return EQ_ERR_FORMAT;
    table->vtable = body->data + vtable + 4;
    table->at = (uint32_t)at;
    table->fields = (uint16_t)((vtable_size - 4) / 2);
    return EQ_OK;
}

/* Where a field of `size` bytes lies in the body; *at = 0: absent. */
static int field_at(const struct eq_table *table, int field, uint32_t size, uint32_t *at) {
    *at = 0;
    uint32_t offset = field < table->fields ? load16(table->vtable + 2 * field) : 0;
    if (!offset) return EQ_OK;
    if (offset < 4 || offset + size > table->size || offset % size) return EQ_ERR_FORMAT;
    *at = table->at + offset;
    return EQ_OK;
}

/* What the 4 bytes at `at` point to. */
static uint64_t target(const struct eq_body *body, uint32_t at) { return (uint64_t)at + load32(body->data + at); }

int eq_body_root(const struct eq_body *body, struct eq_table *root) {
    if (body->size < 8 || memcmp(body->data + 4, "EQM1", 4)) return EQ_ERR_FORMAT;
    return table_at(body, load32(body->data), root);
}

int eq_table_u8(const struct eq_body *body, const struct eq_table *table, int field, uint8_t absent, uint8_t *value) {
    uint32_t at;
    int status = field_at(table, field, 1, &at);
    if (!status) *value = at ? body->data[at] : absent;
    return status;
}

int eq_table_u16(const struct eq_body *body, const struct eq_table *table, int field, uint16_t *value) {
    uint32_t at;
    int status = field_at(table, field, 2, &at);
    if (!status) *value = at ? load16(body->data + at) : 0;
    return status;
}

int eq_table_u32(const struct eq_body *body, const struct eq_table *table, int field, uint32_t absent, uint32_t *value) {
    uint32_t at;
    int status = field_at(table, field, 4, &at);
    if (!status) *value = at ? load32(body->data + at) : absent;
    return status;
}

int eq_table_has(const struct eq_table *table, int field) { return field < table->fields && load16(table->vtable + 2 * field); }

int eq_table_table(const struct eq_body *body, const struct eq_table *table, int field, struct eq_table *child) {
    uint32_t at;
    int status = field_at(table, field, 4, &at);
    if (status || !at) return EQ_ERR_FORMAT;
    return table_at(body, target(body, at), child);
}

int eq_table_vector(const struct eq_body *body, const struct eq_table *table, int field, uint32_t element, struct eq_vector *vector) {
    uint32_t at;
    vector->data = NULL;
    vector->at = vector->count = 0;
    int status = field_at(table, field, 4, &at);
    if (status || !at) return status;
    uint64_t start = target(body, at);
    if (start % 4 || !inside(body, start, 4)) return EQ_ERR_FORMAT;
    vector->count = load32(body->data + start);
    if (!inside(body, start + 4, (uint64_t)vector->count * element)) return EQ_ERR_FORMAT;
    vector->at = (uint32_t)(start + 4);
    vector->data = body->data + start + 4;
    return EQ_OK;
}

int eq_table_string(const struct eq_body *body, const struct eq_table *table, int field, const char **text) {
    struct eq_vector bytes;
    *text = "";
    int status = eq_table_vector(body, table, field, 1, &bytes);
    if (status || !bytes.data) return status;
    if (!inside(body, (uint64_t)bytes.at + bytes.count, 1) || bytes.data[bytes.count]) return EQ_ERR_FORMAT;
    *text = (const char *)bytes.data;
    return EQ_OK;
}

int eq_vector_table(const struct eq_body *body, const struct eq_vector *vector, uint32_t index, struct eq_table *child) {
    if (index >= vector->count) return EQ_ERR_FORMAT;
    return table_at(body, target(body, vector->at + 4 * index), child);
}
