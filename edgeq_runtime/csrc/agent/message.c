#include "eq_frame.h"
#include "eq_message.h"
#include <string.h>

struct reader {
    const uint8_t *at, *end;
    int failed, ended;
};
static const uint8_t zeros[32]; /* as long as the longest field of fixed size */

static const uint8_t *take(struct reader *r, size_t size) {
    if (r->failed || (size_t)(r->end - r->at) < size) {
        r->failed = 1;
        return zeros;
    }
    r->at += size;
    return r->at - size;
}

/* A field: how it lies in a message, whether a later minor version added it, and where it is in the struct. Fields of fixed size lie in
 * both in the same way: every machine here is little-endian. */
enum { TEXT = 62, BLOB = 63, SIZE = 63, ADDED = 64, PLACE = 128 };
enum {
    SIZE_u8 = 1,
    SIZE_u16 = 2,
    SIZE_u32 = 4,
    SIZE_i32 = 4,
    SIZE_u64 = 8,
    SIZE_f32 = 4,
    SIZE_hash = 32,
    SIZE_dims = 24,
    SIZE_text = TEXT,
    SIZE_blob = BLOB
};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are copied as they lie in memory");

#define EQ_F(type, name)     SIZE_##type + offsetof(self, name) * PLACE,
#define EQ_ADDED(type, name) ADDED + EQ_F(type, name)
#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    const uint16_t *eq_fields_##name(void) {                                                                                               \
        typedef struct eq_msg_##name self;                                                                                                 \
        static const uint16_t list[] = {fields 0};                                                                                         \
        return list;                                                                                                                       \
    }
#include "protocol.def"
#undef EQ_F
#undef EQ_ADDED

int eq_message_field(struct eq_bytes *bytes, uint8_t *length, uint16_t field, const void *message) {
    const uint8_t *at = (const uint8_t *)message + field / PLACE;
    const size_t size = field & SIZE;
    *bytes = (struct eq_bytes){at, size};
    if (size != TEXT && size != BLOB) return 0;
    memcpy(bytes, at, sizeof *bytes); /* a struct eq_text is one of characters */
    if (size == BLOB) return 0;
    if (bytes->size > 255) bytes->size = 255;
    *length = (uint8_t)bytes->size;
    return 1;
}

size_t eq_message_size(const uint16_t *fields, const void *message) {
    struct eq_bytes bytes;
    uint8_t length;
    size_t size = 0;
    for (; *fields; fields++) {
        size += (size_t)eq_message_field(&bytes, &length, *fields, message);
        size += bytes.size;
    }
    return size;
}

size_t eq_message_write(uint8_t *out, size_t room, const uint16_t *fields, const void *message) {
    const size_t size = eq_message_size(fields, message);
    struct eq_bytes bytes;
    if (size > room) return 0;
    for (; *fields; fields++) {
        out += eq_message_field(&bytes, out, *fields, message);
        if (bytes.size) memcpy(out, bytes.data, bytes.size);
        out += bytes.size;
    }
    return size;
}

/* Where a message of an older minor version ends, every field that was added since is zero or empty. */
static void older(struct reader *r) {
    if (r->ended || (!r->failed && r->at == r->end)) {
        r->ended = 1;
        r->at = zeros;
        r->end = zeros + sizeof zeros;
    }
}

static struct eq_text take_text(struct reader *r) {
    const size_t size = *take(r, 1);
    const uint8_t *data = take(r, size);
    return r->failed ? (struct eq_text){"", 0} : (struct eq_text){(const char *)data, size};
}

static struct eq_bytes take_blob(struct reader *r) {
    const size_t size = (size_t)(r->end - r->at);
    return (struct eq_bytes){take(r, size), size};
}

int eq_message_read(void *message, const uint16_t *fields, const uint8_t *data, size_t size) {
    struct reader r = {data, data + size, 0, 0};
    for (; *fields; fields++) {
        uint8_t *at = (uint8_t *)message + *fields / PLACE;
        const size_t wanted = *fields & SIZE;
        if (*fields & ADDED) older(&r);
        if (wanted == TEXT) *(struct eq_text *)(void *)at = take_text(&r);
        else if (wanted == BLOB) *(struct eq_bytes *)(void *)at = take_blob(&r);
        else memcpy(at, take(&r, wanted), wanted);
    }
    return r.failed ? -1 : 0;
}

const char *eq_fault_text(int fault) {
    switch (fault) {
#define EQ_FAULT(id, name, exit_code, text)                                                                                                \
    case id:                                                                                                                               \
        return text;
#include "protocol.def"
    default:
        return "an unknown fault";
    }
}

const char *eq_event_text(int event) {
    switch (event) {
#define EQ_EVENT(id, name, text)                                                                                                           \
    case id:                                                                                                                               \
        return text;
#include "protocol.def"
    default:
        return "an unknown event";
    }
}

int eq_fault_exit_code(int fault) {
    switch (fault) {
#define EQ_FAULT(id, name, exit_code, text)                                                                                                \
    case id:                                                                                                                               \
        return exit_code;
#include "protocol.def"
    default:
        return fault ? 1 : 0;
    }
}

struct eq_text eq_text(const char *terminated) {
    return (struct eq_text){terminated, strlen(terminated)};
}

int eq_text_copy(char *out, size_t room, struct eq_text text) {
    if (text.size + 1 > room || memchr(text.data, 0, text.size)) return 0;
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    return 1;
}
