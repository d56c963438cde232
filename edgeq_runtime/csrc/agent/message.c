#include "eq_frame.h"
#include "eq_message.h"
#include <string.h>

struct writer {
    uint8_t *at, *end;
    int failed;
};
struct reader {
    const uint8_t *at, *end;
    int failed, ended;
};
static const uint8_t zeros[32]; /* as long as the longest field of fixed size */

static void put(struct writer *w, const void *data, size_t size) {
    if (w->failed || (size_t)(w->end - w->at) < size) {
        w->failed = 1;
        return;
    }
    if (size) memcpy(w->at, data, size);
    w->at += size;
}

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

static void put_text(struct writer *w, struct eq_text v) {
    const uint8_t size = (uint8_t)(v.size < 255 ? v.size : 255);
    put(w, &size, 1);
    put(w, v.data, size);
}

size_t eq_message_write(uint8_t *out, size_t room, const uint16_t *fields, const void *message) {
    struct writer w = {out, out + room, 0};
    for (; *fields; fields++) {
        const uint8_t *at = (const uint8_t *)message + *fields / PLACE;
        const size_t size = *fields & SIZE;
        if (size == TEXT) put_text(&w, *(const struct eq_text *)(const void *)at);
        else if (size == BLOB)
            put(&w, ((const struct eq_bytes *)(const void *)at)->data, ((const struct eq_bytes *)(const void *)at)->size);
        else put(&w, at, size);
    }
    return w.failed ? 0 : (size_t)(w.at - out);
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
