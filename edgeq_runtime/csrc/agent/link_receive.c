/* The receiving half of a link: order, gaps, acknowledgements. Offsets are modulo 2^32; differences are compared. */
#include "eq_link.h"
#include <string.h>

static void ring_put(uint8_t *ring, uint32_t window, uint32_t offset, const uint8_t *data, uint32_t size) {
    uint32_t at = offset & (window - 1), first = window - at < size ? window - at : size;
    memcpy(ring + at, data, first);
    memcpy(ring, data + first, size - first);
}

/* Add [start, end), which lies after rx_next, to the sorted list. 0 where the list is full. */
static int add_range(struct eq_link *link, uint32_t start, uint32_t end) {
    uint32_t base = link->rx_next, i = 0, j;
    struct eq_range *r = link->ranges;
    while (i < link->range_count && r[i].end - base < start - base) i++;
    for (j = i; j < link->range_count && r[j].start - base <= end - base; j++) {
        if (r[j].start - base < start - base) start = r[j].start;
        if (r[j].end - base > end - base) end = r[j].end;
    }
    if (i == j && link->range_count == EQ_LINK_RANGES) return 0;
    memmove(r + i + 1, r + j, (link->range_count - j) * sizeof *r);
    link->range_count += 1 + i - j;
    r[i] = (struct eq_range){start, end};
    return 1;
}

void eq_link_take_data(struct eq_link *link, const struct eq_frame *frame) {
    uint32_t start = frame->offset, size = (uint32_t)frame->size;
    const uint8_t *data = frame->payload;
    link->ack_due = 1;
    uint32_t before = link->rx_next - start;
    if ((int32_t)before > 0) {
        if (before >= size) return;
        start += before, data += before, size -= before;
    }
    uint32_t room = link->rx_read + link->limits.window - link->rx_next, ahead = start - link->rx_next;
    if (size == 0 || ahead > room || size > room - ahead) return;
    if (ahead && !add_range(link, start, start + size)) return;
    ring_put(link->rx, link->limits.window, start, data, size);
    if (ahead) return;
    link->rx_next += size;
    /* Ranges that the new end touches are in order now. */
    uint32_t n = 0;
    for (; n < link->range_count && (int32_t)(link->ranges[n].start - link->rx_next) <= 0; n++)
        if ((int32_t)(link->ranges[n].end - link->rx_next) > 0) link->rx_next = link->ranges[n].end;
    memmove(link->ranges, link->ranges + n, (link->range_count - n) * sizeof *link->ranges);
    link->range_count -= n;
}

void *eq_link_spare(struct eq_link *link, size_t *size) {
    *size = link->limits.window;
    return link->rx_next == link->rx_read && link->range_count == 0 ? link->rx : NULL;
}

size_t eq_link_make_ack(struct eq_link *link, uint8_t *out, size_t room) {
    uint8_t payload[4 + 8 * EQ_LINK_RANGES];
    struct eq_frame frame = {EQ_FRAME_ACK, link->session, link->rx_next, payload, 4};
    link->rx_told = link->rx_read + link->limits.window;
    eq_store_u32(payload, link->rx_told);
    for (uint32_t i = 0; i < link->range_count; i++, frame.size += 8) {
        eq_store_u32(payload + frame.size, link->ranges[i].start);
        eq_store_u32(payload + frame.size + 4, link->ranges[i].end);
    }
    link->ack_due = 0;
    return eq_frame_encode(out, room, &frame);
}

size_t eq_link_read(struct eq_link *link, void *data, size_t size) {
    uint32_t ready = link->rx_next - link->rx_read, window = link->limits.window;
    uint32_t n = size < ready ? (uint32_t)size : ready;
    uint32_t at = link->rx_read & (window - 1), first = window - at < n ? window - at : n;
    memcpy(data, link->rx + at, first);
    memcpy((uint8_t *)data + first, link->rx, n - first);
    link->rx_read += n;
    /* The peer may wait for room: tell it when half the window has become free. */
    if (link->rx_read + window - link->rx_told >= window / 2) link->ack_due = 1;
    return n;
}
