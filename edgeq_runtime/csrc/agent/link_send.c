/* The sending half of a link: segments in flight, losses, the size of a payload. */
#include "eq_link.h"
#include <string.h>

size_t eq_link_write(struct eq_link *link, const void *data, size_t size) {
    uint32_t window = EQ_LINK_TX(link->limits.window), room = window - (link->tx_end - link->tx_acked);
    uint32_t n = size < room ? (uint32_t)size : room;
    uint32_t at = link->tx_end & (window - 1), first = window - at < n ? window - at : n;
    memcpy(link->tx + at, data, first);
    memcpy(link->tx, (const uint8_t *)data + first, n - first);
    link->tx_end += n;
    return n;
}

uint32_t eq_link_pending(const struct eq_link *link) { return link->tx_end - link->tx_acked; }

static uint32_t max_payload(const struct eq_link *link) {
    return link->peer.max_payload < link->limits.max_payload ? link->peer.max_payload : link->limits.max_payload;
}

static void note_loss(struct eq_link *link, struct eq_segment *segment) {
    segment->lost = 1;
    link->frames_lost++;
    link->good = 0;
    /* Frames sent before the last change say nothing about the size in use. */
    if ((int32_t)(segment->order - link->adapted_order) <= 0 || ++link->losses < EQ_LINK_LOSSES) return;
    link->losses = 0;
    link->adapted_order = link->order;
    link->payload = link->payload / 2 > EQ_LINK_MIN_PAYLOAD ? link->payload / 2 : EQ_LINK_MIN_PAYLOAD;
}

static void note_good(struct eq_link *link) {
    if (link->flight < EQ_LINK_SEGMENTS) link->flight++;
    if (++link->good < EQ_LINK_GOOD_FRAMES) return;
    link->good = link->losses = 0;
    uint32_t limit = max_payload(link), twice = link->payload * 2;
    if (link->payload != limit) link->adapted_order = link->order;
    link->payload = twice < limit ? twice : limit;
}

/* Smoothed round trip as in RFC 6298. */
static void note_time(struct eq_link *link, uint32_t rtt_ms) {
    uint32_t off = rtt_ms > link->rtt_ms ? rtt_ms - link->rtt_ms : link->rtt_ms - rtt_ms;
    link->rtt_var_ms = (3 * link->rtt_var_ms + off) / 4;
    link->rtt_ms = (7 * link->rtt_ms + rtt_ms) / 8;
    uint32_t rto = link->rtt_ms + 4 * link->rtt_var_ms;
    rto = rto < EQ_LINK_MIN_RTO_MS ? EQ_LINK_MIN_RTO_MS : rto;
    link->rto_ms = rto > EQ_LINK_MAX_RTO_MS ? EQ_LINK_MAX_RTO_MS : rto;
}

/* How many of the first bytes of [start, start + size) the acknowledgement covers. */
static uint32_t covered(const struct eq_frame *ack, uint32_t start, uint32_t size) {
    uint32_t have = 0;
    if ((int32_t)(ack->offset - start) > 0) have = ack->offset - start;
    for (size_t at = 4; at + 8 <= ack->size && have < size; at += 8) {
        uint32_t from = eq_load_u32(ack->payload + at), to = eq_load_u32(ack->payload + at + 4);
        if ((int32_t)(from - (start + have)) <= 0 && (int32_t)(to - (start + have)) > 0) have = to - start;
    }
    return have < size ? have : size;
}

/* Shorten a segment by what has arrived. */
static void settle(struct eq_link *link, struct eq_segment *s, uint32_t have, uint32_t now_ms) {
    if (have == 0) return;
    if (have >= s->sent && s->sent) {
        if (!s->guessed && (int32_t)(s->order - link->acked_order) > 0) link->acked_order = s->order;
        if (!s->again) note_time(link, now_ms - s->sent_ms);
        if (!s->lost) note_good(link);
    }
    s->start += have, s->size -= have;
    s->sent = have < s->sent ? s->sent - have : 0;
    if (s->sent == 0) s->lost = 1, s->again = 0; /* the rest was never in flight at this size */
}

void eq_link_take_ack(struct eq_link *link, const struct eq_frame *frame, uint32_t now_ms) {
    if (frame->size < 4 || frame->offset - link->tx_acked > link->tx_sent - link->tx_acked) return;
    uint32_t limit = eq_load_u32(frame->payload);
    if ((int32_t)(limit - link->tx_limit) > 0 && limit - frame->offset <= link->peer.window) link->tx_limit = limit;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < link->segment_count; i++) {
        struct eq_segment *s = &link->segments[i];
        settle(link, s, covered(frame, s->start, s->size), now_ms);
        if (s->size) link->segments[kept++] = *s;
    }
    link->segment_count = kept;
    link->tx_acked = frame->offset;
    link->blocked_ms = now_ms;
    link->probed = 0;
    for (uint32_t i = 0; i < kept; i++) {
        struct eq_segment *s = &link->segments[i];
        if (!s->lost && (int32_t)(s->order - link->acked_order) < 0) note_loss(link, s), s->guessed = 0;
    }
}

/* Segments without an answer for too long are lost; the wait grows once for all of them. */
static void expire(struct eq_link *link, uint32_t now_ms) {
    uint32_t rto = link->rto_ms, expired = 0;
    if (link->reliable && now_ms - link->blocked_ms < EQ_LINK_RELIABLE_MS) return;
    for (uint32_t i = 0; i < link->segment_count; i++) {
        struct eq_segment *s = &link->segments[i];
        if (s->lost || now_ms - s->sent_ms < rto) continue;
        note_loss(link, s);
        s->guessed = 1;
        expired = 1;
    }
    if (!expired) return;
    link->rto_ms = 2 * rto < EQ_LINK_MAX_RTO_MS ? 2 * rto : EQ_LINK_MAX_RTO_MS;
    link->flight = link->flight / 2 > EQ_LINK_FIRST_FLIGHT ? link->flight / 2 : EQ_LINK_FIRST_FLIGHT;
}

static struct eq_segment *first_lost(struct eq_link *link) {
    struct eq_segment *first = NULL;
    for (uint32_t i = 0; i < link->segment_count; i++) {
        struct eq_segment *s = &link->segments[i];
        if (s->lost && (!first || s->start - link->tx_acked < first->start - link->tx_acked)) first = s;
    }
    return first;
}

static struct eq_segment *last_sent(struct eq_link *link) {
    struct eq_segment *last = NULL;
    for (uint32_t i = 0; i < link->segment_count; i++) {
        struct eq_segment *s = &link->segments[i];
        if (!s->lost && (!last || (int32_t)(s->order - last->order) > 0)) last = s;
    }
    return last;
}

/* The payload may have shrunk since it was cut: the rest becomes a segment of its own. */
static void split(struct eq_link *link, struct eq_segment *s) {
    if (s->size <= link->payload || link->segment_count == EQ_LINK_SEGMENTS) return;
    link->segments[link->segment_count++] =
        (struct eq_segment){.start = s->start + link->payload, .size = s->size - link->payload, .lost = 1};
    s->size = link->payload;
}

/* Bytes of new data that may go out now. */
static uint32_t sendable(const struct eq_link *link) {
    uint32_t waiting = link->tx_end - link->tx_sent, open = link->tx_limit - link->tx_sent;
    if (link->segment_count >= link->flight || (int32_t)open <= 0) return 0;
    uint32_t n = waiting < link->payload ? waiting : link->payload;
    if (open >= n) return n;
    return link->segment_count ? 0 : open; /* no slivers while an acknowledgement will open the window */
}

static size_t send_part(struct eq_link *link, uint8_t *out, size_t room, uint32_t start, uint32_t size) {
    uint32_t window = EQ_LINK_TX(link->limits.window), at = start & (window - 1), first = window - at < size ? window - at : size;
    /* The frame is built at the end of `out`; the payload is gathered there, where the encoder expects it. */
    uint8_t *plain = out + room - size - 4;
    memcpy(plain, link->tx + at, first);
    memcpy(plain + first, link->tx, size - first);
    struct eq_frame frame = {EQ_FRAME_DATA, link->session, start, plain, size};
    link->frames_sent++;
    return eq_frame_encode(out, room, &frame);
}

/* Where nothing may be sent, nobody hears of the loss of what was sent last. Long before its time is over, the last segment goes out
 * once more: whichever of the two is acknowledged, all that was sent before it and is not is lost. */
static uint32_t probe_wait(const struct eq_link *link, uint32_t now_ms) {
    const uint32_t due = 2 * link->rtt_ms + EQ_LINK_PROBE_MS, age = now_ms - link->blocked_ms;
    if (link->probed || link->reliable || link->rtt_ms == 0) return EQ_LINK_MAX_RTO_MS;
    return age < due ? due - age : 0;
}

size_t eq_link_make_data(struct eq_link *link, uint8_t *out, size_t room, uint32_t now_ms) {
    if (room < EQ_FRAME_BOUND(link->payload)) return 0;
    expire(link, now_ms);
    struct eq_segment *s = first_lost(link);
    uint32_t n = s ? 0 : sendable(link);
    if (s || n) link->probed = 0;
    else if (link->segment_count && probe_wait(link, now_ms) == 0) s = last_sent(link), link->probed = s != NULL;
    if (!s && n == 0) {
        int blocked = link->tx_end != link->tx_sent && link->segment_count == 0;
        if (!blocked || now_ms - link->blocked_ms < link->rto_ms) return 0;
        link->blocked_ms = now_ms;
        return send_part(link, out, room, link->tx_sent, 0); /* asks for an acknowledgement with the window */
    }
    if (!s) {
        s = &link->segments[link->segment_count++];
        *s = (struct eq_segment){.start = link->tx_sent, .size = n};
        link->tx_sent += n;
    }
    split(link, s);
    s->again = s->again || s->sent;
    s->sent = s->size < link->payload ? s->size : link->payload;
    s->order = ++link->order;
    s->sent_ms = link->blocked_ms = now_ms;
    s->lost = 0;
    return send_part(link, out, room, s->start, s->sent);
}

uint32_t eq_link_data_wait(const struct eq_link *link, uint32_t now_ms) {
    uint32_t wait = EQ_LINK_MAX_RTO_MS;
    if (sendable(link)) return 0;
    for (uint32_t i = 0; i < link->segment_count; i++) {
        const struct eq_segment *s = &link->segments[i];
        uint32_t age = now_ms - s->sent_ms, left = age < link->rto_ms ? link->rto_ms - age : 0;
        if (s->lost) return 0;
        if (link->reliable) continue; /* MAX_RTO is soon enough to look */
        if (left < wait) wait = left;
    }
    if (link->segment_count == 0 && link->tx_end != link->tx_sent) {
        uint32_t age = now_ms - link->blocked_ms;
        wait = age < link->rto_ms ? link->rto_ms - age : 0;
    }
    if (link->segment_count) {
        const uint32_t probe = probe_wait(link, now_ms);
        wait = probe < wait ? probe : wait;
    }
    return wait;
}
