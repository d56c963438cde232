/* One end of a link: a reliable stream of bytes in each direction over frames. Pure: bytes in, bytes out, the time is an argument.
 * The same code runs in the host and on the device. SPEC.md section 4 is the contract. */
#ifndef EQ_LINK_H
#define EQ_LINK_H
#include "eq_frame.h"
#include "eq_message.h"

#define EQ_LINK_MIN_PAYLOAD   32u
#define EQ_LINK_FIRST_PAYLOAD 512u
#define EQ_LINK_GOOD_FRAMES   32u /* acknowledged without a loss between, before the payload doubles */
#define EQ_LINK_LOSSES        2u  /* before it halves */
#ifndef EQ_LINK_SEGMENTS
#define EQ_LINK_SEGMENTS 64
#endif
#define EQ_LINK_FIRST_FLIGHT 4u /* segments in flight at the start; one more for each that is acknowledged */
#ifndef EQ_LINK_RANGES
#define EQ_LINK_RANGES 16 /* received out of order, all told in each acknowledgement; what would need more is dropped and comes again */
#endif
#ifdef EQ_LINK_SENDS /* a power of two: bytes sent and not acknowledged, where the memory for a window of them is too much */
#define EQ_LINK_TX(window) ((window) < EQ_LINK_SENDS ? (window) : EQ_LINK_SENDS)
#else
#define EQ_LINK_TX(window) (window)
#endif
#define EQ_LINK_HELLO_MS     300u
#define EQ_LINK_FIRST_RTO_MS 1000u
#define EQ_LINK_MIN_RTO_MS   200u
#define EQ_LINK_MAX_RTO_MS   4000u
#define EQ_LINK_PROBE_MS     10u    /* beside two round trips */
#define EQ_LINK_RELIABLE_MS  20000u /* on a line that loses nothing: without any acknowledgement, before frames are sent again */

/* A part of the stream that was sent and is not acknowledged. */
struct eq_segment {
    uint32_t start, size;
    uint32_t sent;  /* the first bytes of it that are in flight; the payload may have shrunk since it was cut */
    uint32_t order; /* of the last sending: streams deliver in order, so a gap before a later one is a loss */
    uint32_t sent_ms;
    uint8_t lost, again;
    uint8_t guessed; /* lost by its time alone: an acknowledgement may be of what was sent before that */
};

struct eq_range {
    uint32_t start, end;
};

struct eq_link_limits {
    uint32_t max_payload; /* of frames that come in, 64 .. EQ_MAX_PAYLOAD */
    uint32_t window;      /* bytes of each direction; a power of two, at least 2 max_payload */
    uint32_t max_message;
    uint32_t software; /* version of this program: major << 16 | minor << 8 | patch */
};

struct eq_link {
    struct eq_link_limits limits;
    struct eq_msg_hello peer;
    uint16_t session;
    uint16_t protocol; /* agreed: major << 8 | minor; 0: none in common */
    uint8_t host;      /* this end connects */
    uint8_t open;      /* hello has been exchanged */
    uint8_t reliable;  /* the line loses nothing, says the host */
    uint8_t fresh;     /* the device end: a host has begun a session since eq_link_accept */
    uint8_t gone;      /* the host end: the device has no such session any more; it has started anew */
    uint8_t hello_due, ack_due, gone_due;
    uint16_t gone_session; /* to be told so */
    uint8_t probed;        /* since anything was sent or acknowledged */
    uint32_t hello_ms, heard_ms;
    struct eq_deframer in;
    /* receiving */
    uint8_t *rx;
    uint32_t rx_read, rx_next; /* consumed; in order so far */
    uint32_t rx_told;          /* limit in the last acknowledgement */
    struct eq_range ranges[EQ_LINK_RANGES];
    uint32_t range_count;
    /* sending */
    uint8_t *tx;
    uint32_t tx_acked, tx_sent, tx_end, tx_limit;
    struct eq_segment segments[EQ_LINK_SEGMENTS];
    uint32_t segment_count;
    uint32_t order, acked_order;
    uint32_t payload, good, losses, adapted_order, flight;
    uint32_t rtt_ms, rtt_var_ms, rto_ms, blocked_ms;
    uint32_t frames_sent, frames_lost;
};

#define EQ_LINK_ALIGN(size) (((size) + 7u) & ~(size_t)7u)
#define EQ_LINK_BYTES(payload, window)                                                                                                     \
    (EQ_LINK_ALIGN(sizeof(struct eq_link)) + EQ_LINK_ALIGN(window) + EQ_LINK_ALIGN(EQ_LINK_TX(window)) +                                   \
     EQ_LINK_ALIGN(EQ_FRAME_BOUND(payload)))
/* Bytes of memory that a link with these limits takes, itself included; EQ_FRAME_BOUND(max_payload) is what one transmit may write. */
size_t eq_link_bytes(const struct eq_link_limits *limits);
/* memory: aligned to 8, eq_link_bytes. Starts as a device that waits for a hello. NULL: limits out of range. */
struct eq_link *eq_link_init(void *memory, const struct eq_link_limits *limits);
/* Begin as host: hellos are sent until the device answers. */
void eq_link_connect(struct eq_link *link, uint16_t session, uint32_t now_ms);
/* The host's line loses nothing (a pipe, SSH): both ends begin with the largest payload and the most in flight, not with what noise may let
 * through, and a frame counts as lost when nothing at all is acknowledged for long, not when it waits behind others on a slow line. To be
 * called right after connect. */
void eq_link_trust(struct eq_link *link);

void eq_link_receive(struct eq_link *link, const uint8_t *data, size_t size, uint32_t now_ms);
/* The next frame that is due, 0 where none is. Call it until it gives 0. */
size_t eq_link_transmit(struct eq_link *link, uint8_t *out, size_t room, uint32_t now_ms);
/* Milliseconds until transmit may have something new though nothing arrives. */
uint32_t eq_link_wait(const struct eq_link *link, uint32_t now_ms);

/* Copy into or out of the stream; return how much fitted or was there. */
size_t eq_link_write(struct eq_link *link, const void *data, size_t size);
size_t eq_link_read(struct eq_link *link, void *data, size_t size);
/* Bytes that the peer has not acknowledged. */
uint32_t eq_link_pending(const struct eq_link *link);
/* Send an acknowledgement though nothing came: a sign of life during long work. */
void eq_link_touch(struct eq_link *link);

/* The memory of bytes that have come while none wait to be read, or NULL: what is in it is of no use. */
void *eq_link_spare(struct eq_link *link, size_t *size);

/* For bindings that do not read the struct. */
struct eq_link_state {
    struct eq_msg_hello peer;
    uint16_t protocol;
    uint8_t open, fresh, gone;
    uint32_t quiet_ms; /* since the last good frame */
    uint32_t payload, frames_sent, frames_lost, frames_dropped;
};
void eq_link_look(const struct eq_link *link, uint32_t now_ms, struct eq_link_state *state);

/* Between link.c and its two halves. */
void eq_link_take_data(struct eq_link *link, const struct eq_frame *frame);
void eq_link_take_ack(struct eq_link *link, const struct eq_frame *frame, uint32_t now_ms);
size_t eq_link_make_ack(struct eq_link *link, uint8_t *out, size_t room);
size_t eq_link_make_data(struct eq_link *link, uint8_t *out, size_t room, uint32_t now_ms);
uint32_t eq_link_data_wait(const struct eq_link *link, uint32_t now_ms);
#endif
