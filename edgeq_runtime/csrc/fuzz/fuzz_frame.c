/* libFuzzer target of the link: the input is what arrives on the line. First byte: bit 0 the end is a host, bit 1 the bytes are the
 * contents of frames (length u8, then kind, session, offset and payload) that get a right CRC, so that what lies behind it is reached. */
#include "agent/eq_link.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_ROOM = 1 << 16, FRAME_ROOM = EQ_FRAME_BOUND(512) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct eq_link_limits limits = {512, 2048, 1024, EQ_VERSION_NUMBER};

/* Let the end answer and its application read and write. */
static void use(struct eq_link *link, uint32_t now_ms) {
    uint8_t frame[FRAME_ROOM], bytes[300];
    size_t n = eq_link_read(link, bytes, sizeof bytes);
    (void)eq_link_write(link, bytes, n ? n : 7);
    for (int i = 0; i < 100 && eq_link_transmit(link, frame, sizeof frame, now_ms); i++) {
    }
    if (eq_link_wait(link, now_ms) > EQ_LINK_MAX_RTO_MS || eq_link_pending(link) > limits.window) abort();
}

static size_t framed(uint8_t *out, const uint8_t *data, size_t size) {
    uint8_t payload[255] = {0};
    if (size < EQ_FRAME_HEAD) return 0;
    memcpy(payload, data + EQ_FRAME_HEAD, size - EQ_FRAME_HEAD);
    struct eq_frame frame = {data[0], eq_load_u16(data + 1), eq_load_u32(data + 3), payload, size - EQ_FRAME_HEAD};
    return eq_frame_encode(out, FRAME_ROOM, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint64_t memory[LINK_ROOM / 8];
    uint32_t now_ms = 0;
    if (size < 1 || eq_link_bytes(&limits) > sizeof memory) return 0;
    struct eq_link *link = eq_link_init(memory, &limits);
    uint8_t how = data[0], frame[FRAME_ROOM];
    if (how & 1) eq_link_connect(link, 1, 0);
    for (size_t at = 1; at < size; now_ms += 100) {
        size_t n = data[at++];
        n = n < size - at ? n : size - at;
        if (how & 2) eq_link_receive(link, frame, framed(frame, data + at, n), now_ms);
        else eq_link_receive(link, data + at, n, now_ms);
        at += n;
        use(link, now_ms);
    }
    return 0;
}
