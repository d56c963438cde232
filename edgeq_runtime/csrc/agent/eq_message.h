/* The messages of protocol.def as structs, and their bytes. */
#ifndef EQ_MESSAGE_H
#define EQ_MESSAGE_H
#include <stddef.h>
#include <stdint.h>

#define EQ_MESSAGE_HEAD   6u /* id u16, length u32 of what follows */
#define EQ_VERSION_TEXT   "0.1.0"
#define EQ_VERSION_NUMBER 0x000100u /* the same: major << 16, minor << 8, patch */

struct eq_bytes {
    const uint8_t *data;
    size_t size;
};
/* Of a text field: not terminated, at most 255 bytes. */
struct eq_text {
    const char *data;
    size_t size;
};

typedef uint8_t eq_wire_u8;
typedef uint16_t eq_wire_u16;
typedef uint32_t eq_wire_u32;
typedef int32_t eq_wire_i32;
typedef uint64_t eq_wire_u64;
typedef float eq_wire_f32;
typedef struct {
    uint8_t bytes[32];
} eq_wire_hash;
typedef struct {
    int32_t dims[6];
} eq_wire_dims;
typedef struct eq_text eq_wire_text;
typedef struct eq_bytes eq_wire_blob;

#define EQ_F(type, name)     eq_wire_##type name;
#define EQ_ADDED(type, name) EQ_F(type, name)
#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    struct eq_msg_##name {                                                                                                                 \
        fields                                                                                                                             \
    };
#include "protocol.def"
#undef EQ_F
#undef EQ_ADDED

enum eq_message_id {
#define EQ_MESSAGE(id, name, fields) EQ_MSG_##name = (id),
#define EQ_SIGNAL(id, name)          EQ_MSG_##name = (id),
#include "protocol.def"
};

enum eq_fault {
    EQ_FAULT_none = 0,
#define EQ_FAULT(id, name, exit_code, text) EQ_FAULT_##name = (id),
#include "protocol.def"
};
const char *eq_fault_text(int fault);
int eq_fault_exit_code(int fault); /* of the process that reports it */

enum eq_event {
#define EQ_EVENT(id, name, text) EQ_EVENT_##name = (id),
#include "protocol.def"
};
const char *eq_event_text(int event); /* "an unknown event" for a number that is none */

enum eq_protocol {
#define EQ_PROTOCOL(major, minor)                                                                                                          \
    EQ_PROTOCOL_NEWEST = (major) << 8 | (minor), EQ_PROTOCOL_OLDEST = (major) << 8 | ((minor) > 2 ? (minor)-2 : 0)
#include "protocol.def"
};

/* The bytes of a field of a message as they are sent; a text has its length before them: 1 and *length is it, else 0. */
int eq_message_field(struct eq_bytes *bytes, uint8_t *length, uint16_t field, const void *message);
size_t eq_message_size(const uint16_t *fields, const void *message);
/* Write the fields of a message: its length, or 0 where room is too small. Read them: 0, or -1 where the bytes are too few.
 * Bytes after the known fields are a newer minor version's and are passed over. Texts and blobs point into the bytes read. */
size_t eq_message_write(uint8_t *out, size_t room, const uint16_t *fields, const void *message);
int eq_message_read(void *message, const uint16_t *fields, const uint8_t *data, size_t size);
#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    const uint16_t *eq_fields_##name(void); /* message.c says what they are */                                                             \
    static inline size_t eq_write_##name(uint8_t *out, size_t room, const struct eq_msg_##name *message) {                                 \
        return eq_message_write(out, room, eq_fields_##name(), message);                                                                   \
    }                                                                                                                                      \
    static inline int eq_read_##name(struct eq_msg_##name *message, const uint8_t *data, size_t size) {                                    \
        return eq_message_read(message, eq_fields_##name(), data, size);                                                                   \
    }
#include "protocol.def"

struct eq_text eq_text(const char *terminated);
/* Copy and terminate; 0 where it does not fit or holds a zero. */
int eq_text_copy(char *out, size_t room, struct eq_text text);
#endif
