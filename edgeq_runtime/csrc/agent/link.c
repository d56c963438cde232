#include "eq_link.h"
#include <string.h>

static int limits_ok(const struct eq_link_limits *l) {
    return l->max_payload >= 2 * EQ_LINK_MIN_PAYLOAD && l->max_payload <= EQ_MAX_PAYLOAD && l->window <= 1u << 24 &&
           l->window >= 2 * l->max_payload && (l->window & (l->window - 1)) == 0;
}

size_t eq_link_bytes(const struct eq_link_limits *limits) { return EQ_LINK_BYTES(limits->max_payload, limits->window); }

/* Forget the streams, keep the limits: a session begins. */
static void restart(struct eq_link *link, uint16_t session) {
    link->session = session;
    link->open = 0, link->protocol = 0, link->reliable = 0;
    link->hello_due = 0, link->ack_due = 0;
    link->gone = 0, link->gone_due = 0;
    link->rx_read = link->rx_next = link->range_count = 0;
    link->rx_told = link->limits.window;
    link->tx_acked = link->tx_sent = link->tx_end = link->tx_limit = 0;
    link->segment_count = 0;
    link->order = link->acked_order = link->adapted_order = 0;
    link->payload = link->limits.max_payload < EQ_LINK_FIRST_PAYLOAD ? link->limits.max_payload : EQ_LINK_FIRST_PAYLOAD;
    link->good = link->losses = 0;
    link->flight = EQ_LINK_FIRST_FLIGHT;
    link->rtt_ms = link->rtt_var_ms = 0;
    link->rto_ms = EQ_LINK_FIRST_RTO_MS;
    link->frames_sent = link->frames_lost = 0;
    link->in.dropped = 0;
}

struct eq_link *eq_link_init(void *memory, const struct eq_link_limits *limits) {
    if (!limits_ok(limits)) return NULL;
    struct eq_link *link = memory;
    memset(link, 0, sizeof *link);
    link->limits = *limits;
    link->rx = (uint8_t *)memory + EQ_LINK_ALIGN(sizeof *link);
    link->tx = link->rx + EQ_LINK_ALIGN(limits->window);
    link->in.buffer = link->tx + EQ_LINK_ALIGN(EQ_LINK_TX(limits->window));
    link->in.room = EQ_FRAME_BOUND(limits->max_payload);
    restart(link, 0);
    return link;
}

void eq_link_connect(struct eq_link *link, uint16_t session, uint32_t now_ms) {
    restart(link, session);
    link->host = 1, link->hello_due = 1;
    link->heard_ms = now_ms;
}

void eq_link_trust(struct eq_link *link) {
    link->reliable = 1;
    link->payload = link->limits.max_payload;
    link->flight = EQ_LINK_SEGMENTS;
}

/* What both ends take from the other's hello. Values out of range count as no frame. */
static int take_hello(struct eq_link *link, const struct eq_frame *frame) {
    struct eq_msg_hello peer;
    if (eq_read_hello(&peer, frame->payload, frame->size)) return -1;
    if (peer.max_payload < 2 * EQ_LINK_MIN_PAYLOAD || peer.window < peer.max_payload || peer.window > 1u << 24) return -1;
    if (link->open && frame->session == link->session) return 0; /* the answer was sent twice */
    if (!link->host) restart(link, frame->session), link->fresh = 1;
    link->peer = peer;
    if (peer.reliable && !link->host) eq_link_trust(link);
    link->protocol = peer.newest < EQ_PROTOCOL_NEWEST ? peer.newest : EQ_PROTOCOL_NEWEST;
    if (link->protocol < peer.oldest || link->protocol < EQ_PROTOCOL_OLDEST) link->protocol = 0;
    if (link->payload > peer.max_payload) link->payload = peer.max_payload;
    link->tx_limit = peer.window;
    link->open = 1;
    return 0;
}

/* A device that has started anew, or lost the session to another host, says so: its host need not wait. */
static void tell_gone(struct eq_link *link, const struct eq_frame *frame) {
    if (link->host || (frame->kind != EQ_FRAME_DATA && frame->kind != EQ_FRAME_ACK)) return;
    link->gone_due = 1;
    link->gone_session = frame->session;
}

static void take_frame(struct eq_link *link, const struct eq_frame *frame, uint32_t now_ms) {
    if (frame->kind == EQ_FRAME_HELLO && !link->host) {
        if (take_hello(link, frame)) return;
        link->hello_due = 1;
    } else if (frame->session != link->session || (!link->open && !link->host)) {
        tell_gone(link, frame);
        return;
    } else if (frame->kind == EQ_FRAME_WELCOME && link->host) {
        if (take_hello(link, frame)) return;
        link->hello_due = 0;
    } else if (frame->kind == EQ_FRAME_GONE && link->host && link->open) {
        link->gone = 1;
    } else if (frame->kind == EQ_FRAME_DATA && link->open) {
        eq_link_take_data(link, frame);
    } else if (frame->kind == EQ_FRAME_ACK && link->open) {
        eq_link_take_ack(link, frame, now_ms);
    } else {
        return;
    }
    link->heard_ms = now_ms;
}

void eq_link_receive(struct eq_link *link, const uint8_t *data, size_t size, uint32_t now_ms) {
    struct eq_frame frame;
    size_t used;
    while (eq_deframe(&link->in, data, size, &used, &frame)) {
        take_frame(link, &frame, now_ms);
        data += used, size -= used;
    }
}

static size_t make_hello(struct eq_link *link, uint8_t *out, size_t room, uint32_t now_ms) {
    uint8_t payload[32];
    struct eq_msg_hello mine = {EQ_PROTOCOL_NEWEST,  EQ_PROTOCOL_OLDEST,       link->limits.software, link->limits.max_payload,
                                link->limits.window, link->limits.max_message, link->reliable};
    struct eq_frame frame = {link->host ? EQ_FRAME_HELLO : EQ_FRAME_WELCOME, link->session, 0, payload, 0};
    frame.size = eq_write_hello(payload, sizeof payload, &mine);
    link->hello_ms = now_ms + EQ_LINK_HELLO_MS;
    link->hello_due = link->host ? 2 : 0; /* 2: sent, and due again at hello_ms */
    return eq_frame_encode(out, room, &frame);
}

static size_t make_gone(struct eq_link *link, uint8_t *out, size_t room) {
    struct eq_frame frame = {EQ_FRAME_GONE, link->gone_session, 0, out, 0};
    link->gone_due = 0;
    return eq_frame_encode(out, room, &frame);
}

static int hello_now(const struct eq_link *link, uint32_t now_ms) {
    return link->hello_due == 1 || (link->hello_due == 2 && (int32_t)(now_ms - link->hello_ms) >= 0);
}

size_t eq_link_transmit(struct eq_link *link, uint8_t *out, size_t room, uint32_t now_ms) {
    if (hello_now(link, now_ms)) return make_hello(link, out, room, now_ms);
    if (link->gone_due) return make_gone(link, out, room);
    if (!link->open) return 0;
    if (link->ack_due) return eq_link_make_ack(link, out, room);
    return eq_link_make_data(link, out, room, now_ms);
}

uint32_t eq_link_wait(const struct eq_link *link, uint32_t now_ms) {
    if (hello_now(link, now_ms) || link->ack_due || link->gone_due) return 0;
    if (link->hello_due) return link->hello_ms - now_ms;
    return link->open ? eq_link_data_wait(link, now_ms) : EQ_LINK_MAX_RTO_MS;
}

void eq_link_touch(struct eq_link *link) { link->ack_due = 1; }

void eq_link_look(const struct eq_link *link, uint32_t now_ms, struct eq_link_state *state) {
    *state =
        (struct eq_link_state){link->peer,    link->protocol,    link->open,        link->fresh,     link->gone, now_ms - link->heard_ms,
                               link->payload, link->frames_sent, link->frames_lost, link->in.dropped};
}
