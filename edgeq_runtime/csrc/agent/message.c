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

static void put_u8(struct writer *w, uint8_t v) { put(w, &v, 1); }
static void put_u16(struct writer *w, uint16_t v) {
    uint8_t b[2];
    eq_store_u16(b, v);
    put(w, b, 2);
}
static void put_u32(struct writer *w, uint32_t v) {
    uint8_t b[4];
    eq_store_u32(b, v);
    put(w, b, 4);
}
static void put_i32(struct writer *w, int32_t v) { put_u32(w, (uint32_t)v); }
static void put_u64(struct writer *w, uint64_t v) {
    put_u32(w, (uint32_t)v);
    put_u32(w, (uint32_t)(v >> 32));
}
static void put_f32(struct writer *w, float v) {
    uint32_t bits;
    memcpy(&bits, &v, 4);
    put_u32(w, bits);
}
static void put_hash(struct writer *w, eq_wire_hash v) { put(w, v.bytes, 32); }
static void put_dims(struct writer *w, eq_wire_dims v) {
    for (int i = 0; i < 6; i++) put_i32(w, v.dims[i]);
}
static void put_text(struct writer *w, struct eq_text v) {
    size_t size = v.size < 255 ? v.size : 255;
    put_u8(w, (uint8_t)size);
    put(w, v.data, size);
}
static void put_blob(struct writer *w, struct eq_bytes v) { put(w, v.data, v.size); }

/* Where a message of an older minor version ends, every field that was added since is zero or empty. */
static struct reader *added(struct reader *r) {
    if (r->ended || (!r->failed && r->at == r->end)) {
        r->ended = 1;
        r->at = zeros;
        r->end = zeros + sizeof zeros;
    }
    return r;
}

static uint8_t take_u8(struct reader *r) { return *take(r, 1); }
static uint16_t take_u16(struct reader *r) { return eq_load_u16(take(r, 2)); }
static uint32_t take_u32(struct reader *r) { return eq_load_u32(take(r, 4)); }
static int32_t take_i32(struct reader *r) { return (int32_t)take_u32(r); }
static uint64_t take_u64(struct reader *r) {
    uint32_t low = take_u32(r);
    return low | (uint64_t)take_u32(r) << 32;
}
static float take_f32(struct reader *r) {
    uint32_t bits = take_u32(r);
    float v;
    memcpy(&v, &bits, 4);
    return v;
}
static eq_wire_hash take_hash(struct reader *r) {
    eq_wire_hash v;
    memcpy(v.bytes, take(r, 32), 32);
    return v;
}
static eq_wire_dims take_dims(struct reader *r) {
    eq_wire_dims v;
    for (int i = 0; i < 6; i++) v.dims[i] = take_i32(r);
    return v;
}
static struct eq_text take_text(struct reader *r) {
    size_t size = take_u8(r);
    const uint8_t *data = r->at;
    if (size > (size_t)(r->end - r->at)) r->failed = 1;
    if (r->failed) return (struct eq_text){"", 0};
    r->at += size;
    return (struct eq_text){(const char *)data, size};
}
static struct eq_bytes take_blob(struct reader *r) {
    struct eq_bytes v = {r->at, (size_t)(r->end - r->at)};
    r->at = r->end;
    return v;
}

#define EQ_F(type, name)     put_##type(&w, message->name);
#define EQ_ADDED(type, name) EQ_F(type, name)
#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    size_t eq_write_##name(uint8_t *out, size_t room, const struct eq_msg_##name *message) {                                               \
        struct writer w = {out, out + room, 0};                                                                                            \
        fields return w.failed ? 0 : (size_t)(w.at - out);                                                                                 \
    }
#include "protocol.def"
#undef EQ_F
#undef EQ_ADDED

#define EQ_F(type, name)     message->name = take_##type(&r);
#define EQ_ADDED(type, name) message->name = take_##type(added(&r));
#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    int eq_read_##name(struct eq_msg_##name *message, const uint8_t *data, size_t size) {                                                  \
        struct reader r = {data, data + size, 0, 0};                                                                                       \
        fields return r.failed ? -1 : 0;                                                                                                   \
    }
#include "protocol.def"
#undef EQ_F
#undef EQ_ADDED

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
