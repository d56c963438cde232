/* Frames on a byte stream that may lose, change or invent bytes: COBS between zeros, CRC-32C at the end. */
#ifndef EQ_FRAME_H
#define EQ_FRAME_H
#include <stddef.h>
#include <stdint.h>

enum eq_frame_kind { EQ_FRAME_HELLO = 1, EQ_FRAME_WELCOME = 2, EQ_FRAME_DATA = 3, EQ_FRAME_ACK = 4, EQ_FRAME_GONE = 5 };

#define EQ_FRAME_HEAD  7u /* kind u8, session u16, offset u32 */
#define EQ_FRAME_EXTRA (EQ_FRAME_HEAD + 4u)
#define EQ_MAX_PAYLOAD 65536u
/* Bytes of a frame on the wire with both zeros, for `payload` bytes. */
#define EQ_FRAME_BOUND(payload) ((payload) + EQ_FRAME_EXTRA + ((payload) + EQ_FRAME_EXTRA) / 254u + 3u)

struct eq_frame {
    uint8_t kind;
    uint16_t session; /* chosen by the host; frames of another one are ignored */
    uint32_t offset;  /* DATA: of the payload in the stream; ACK: next byte that is missing; modulo 2^32 */
    const uint8_t *payload;
    size_t size;
};

/* out: room for size + size / 254 + 1 bytes; out may lie before data in one buffer,
 * at least size / 254 + 2 bytes ahead. Returns the length; no zero among them. */
size_t eq_cobs_encode(uint8_t *out, const uint8_t *data, size_t size);
/* In place is allowed (out == data). Returns the length, or -1 where data is no COBS block. */
ptrdiff_t eq_cobs_decode(uint8_t *out, const uint8_t *data, size_t size);

/* Zero, COBS block, zero. A leading zero ends what noise began before. Returns the length, 0 where `room` is under EQ_FRAME_BOUND. */
size_t eq_frame_encode(uint8_t *out, size_t room, const struct eq_frame *frame);
/* data: what lies between two zeros; it is overwritten and the payload points into it. 0, or -1: not a good frame. */
int eq_frame_decode(struct eq_frame *frame, uint8_t *data, size_t size);

/* Collects bytes into frames. The caller owns `buffer` of EQ_FRAME_BOUND(max payload) bytes; a longer block is dropped. */
struct eq_deframer {
    uint8_t *buffer;
    size_t room, fill;
    int overlong;
    uint32_t dropped; /* blocks that were not good frames */
};
/* Takes bytes until a good frame is complete (1) or none are left (0); *used is how many it took. */
int eq_deframe(struct eq_deframer *deframer, const uint8_t *data, size_t size, size_t *used, struct eq_frame *frame);

static inline void eq_store_u16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static inline void eq_store_u32(uint8_t *p, uint32_t v) {
    eq_store_u16(p, (uint16_t)v);
    eq_store_u16(p + 2, (uint16_t)(v >> 16));
}
static inline uint16_t eq_load_u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t eq_load_u32(const uint8_t *p) { return eq_load_u16(p) | (uint32_t)eq_load_u16(p + 2) << 16; }
static inline void eq_store_u64(uint8_t *p, uint64_t v) {
    eq_store_u32(p, (uint32_t)v);
    eq_store_u32(p + 4, (uint32_t)(v >> 32));
}
static inline uint64_t eq_load_u64(const uint8_t *p) { return eq_load_u32(p) | (uint64_t)eq_load_u32(p + 4) << 32; }
#endif
