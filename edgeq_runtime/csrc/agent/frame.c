#include "../eq_hash.h"
#include "eq_frame.h"
#include <string.h>

size_t eq_frame_encode(uint8_t *out, size_t room, const struct eq_frame *frame) {
    if (frame->size > EQ_MAX_PAYLOAD || room < EQ_FRAME_BOUND(frame->size)) return 0;
    /* The plain frame lies at the end of the room and is encoded forward: the encoder stays behind what it reads. */
    uint8_t *plain = out + room - (EQ_FRAME_EXTRA + frame->size);
    memmove(plain + EQ_FRAME_HEAD, frame->payload, frame->size);
    plain[0] = frame->kind;
    eq_store_u16(plain + 1, frame->session);
    eq_store_u32(plain + 3, frame->offset);
    eq_store_u32(plain + EQ_FRAME_HEAD + frame->size, eq_crc32c(0, plain, EQ_FRAME_HEAD + frame->size));
    out[0] = 0;
    size_t size = 1 + eq_cobs_encode(out + 1, plain, EQ_FRAME_EXTRA + frame->size);
    out[size] = 0;
    return size + 1;
}

int eq_frame_decode(struct eq_frame *frame, uint8_t *data, size_t size) {
    ptrdiff_t plain = eq_cobs_decode(data, data, size);
    if (plain < (ptrdiff_t)EQ_FRAME_EXTRA) return -1;
    size_t body = (size_t)plain - 4;
    if (eq_crc32c(0, data, body) != eq_load_u32(data + body)) return -1;
    *frame = (struct eq_frame){data[0], eq_load_u16(data + 1), eq_load_u32(data + 3), data + EQ_FRAME_HEAD, body - EQ_FRAME_HEAD};
    return 0;
}

int eq_deframe(struct eq_deframer *deframer, const uint8_t *data, size_t size, size_t *used, struct eq_frame *frame) {
    size_t i = 0;
    while (i < size) {
        const uint8_t *zero = memchr(data + i, 0, size - i);
        size_t run = zero ? (size_t)(zero - (data + i)) : size - i;
        size_t left = deframer->room - deframer->fill;
        if (run > left) deframer->overlong = 1;
        memcpy(deframer->buffer + deframer->fill, data + i, run < left ? run : left);
        deframer->fill += run < left ? run : left;
        i += run;
        if (!zero) break;
        i++;
        size_t fill = deframer->fill;
        int overlong = deframer->overlong;
        deframer->fill = 0, deframer->overlong = 0;
        if (fill == 0) continue;
        if (!overlong && eq_frame_decode(frame, deframer->buffer, fill) == 0) {
            *used = i;
            return 1;
        }
        deframer->dropped++;
    }
    *used = size;
    return 0;
}
