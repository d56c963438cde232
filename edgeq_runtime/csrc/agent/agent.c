/* The loop of the agent: bytes to messages, messages to handlers, answers to bytes. */
#include "../eq_has.h"
#include "eq_agent.h"
#include <string.h>

static int flush(struct eq_agent *agent) {
    size_t size;
    while (!agent->ended && (size = eq_link_transmit(agent->link, agent->frame, agent->frame_room, eq_port_time_ms())))
        agent->ended = eq_port_write(agent->frame, size) != 0;
    return agent->ended || agent->link->fresh ? -1 : 0;
}

/* Bytes that came, 0 none in time. */
static int take(struct eq_agent *agent, uint32_t wait_ms) {
    int n = eq_port_read(agent->frame, agent->frame_room, wait_ms);
    if (n < 0) agent->ended = 1;
    if (n > 0) eq_link_receive(agent->link, agent->frame, (size_t)n, eq_port_time_ms());
    return n > 0 ? n : 0;
}

int eq_agent_pump(struct eq_agent *agent, uint32_t wait_ms) {
    if (flush(agent)) return -1;
    const uint64_t since_ns = eq_port_time_ns();
    const uint32_t faster = agent->baud != EQ_LINE_BAUD, due = eq_link_wait(agent->link, eq_port_time_ms());
    if (faster && wait_ms > 100) wait_ms = 100;
    (void)take(agent, due < wait_ms ? due : wait_ms);
    if (faster && wait_ms) eq_agent_waited(agent, since_ns);
    return flush(agent);
}

int eq_agent_alive(void *context) {
    struct eq_agent *agent = context;
    uint32_t now_ms = eq_port_time_ms();
    if (now_ms - agent->alive_ms >= 450) { /* called every 500 ms, it is never late */
        agent->alive_ms = now_ms;
        eq_link_touch(agent->link);
        (void)eq_agent_pump(agent, 0);
    }
    return agent->ended || agent->link->fresh;
}

int eq_agent_gone(struct eq_agent *agent) {
    enum { READS = 64 }; /* more than what a window holds: who still sends is there */
    for (int i = 0; i < READS && !agent->ended && take(agent, 0); i++) {
    }
    return agent->ended || agent->link->fresh;
}

static int send_bytes(struct eq_agent *agent, const uint8_t *data, size_t size) {
    for (;;) {
        size_t n = eq_link_write(agent->link, data, size);
        data += n, size -= n;
        if (!size) return 0;
        if (eq_agent_pump(agent, 1000)) return -1;
    }
}

/* Field by field, and pumped at the end: what fits takes one frame. */
int eq_agent_send(struct eq_agent *agent, uint16_t id, const uint16_t *fields, const void *message) {
    uint8_t head[EQ_MESSAGE_HEAD], length;
    struct eq_bytes bytes;
    if (agent->ended || agent->link->fresh) return -1;
    eq_store_u16(head, id);
    eq_store_u32(head + 2, (uint32_t)eq_message_size(fields, message));
    int err = send_bytes(agent, head, sizeof head);
    for (; !err && *fields; fields++) {
        if (eq_message_field(&bytes, &length, *fields, message)) err = send_bytes(agent, &length, 1);
        if (!err) err = send_bytes(agent, bytes.data, bytes.size);
    }
    return err ? err : eq_agent_pump(agent, 0);
}

int eq_agent_done(struct eq_agent *agent) {
    static const uint16_t none = 0;
    return eq_agent_send(agent, EQ_MSG_done, &none, NULL);
}

#define EQ_MESSAGE(id, name, fields)                                                                                                       \
    int eq_agent_send_##name(struct eq_agent *agent, const struct eq_msg_##name *message) {                                                \
        return eq_agent_send(agent, (id), eq_fields_##name(), message);                                                                    \
    }
#include "protocol.def"

uint16_t eq_agent_next(struct eq_agent *agent, struct eq_bytes *body) {
    uint32_t limit = agent->info.limits.max_message;
    if (agent->head_fill < EQ_MESSAGE_HEAD)
        agent->head_fill += eq_link_read(agent->link, agent->head + agent->head_fill, EQ_MESSAGE_HEAD - agent->head_fill);
    if (agent->head_fill < EQ_MESSAGE_HEAD) return 0;
    uint16_t id = eq_load_u16(agent->head);
    uint32_t size = eq_load_u32(agent->head + 2);
    /* A body that is too long is read and thrown away; the handler sees that it is longer than the limit. */
    while (agent->body_fill < size) {
        size_t at = agent->body_fill < limit ? agent->body_fill : 0, room = limit - at;
        size_t n = eq_link_read(agent->link, agent->body + at, size - agent->body_fill < room ? size - agent->body_fill : room);
        agent->body_fill += n;
        if (n == 0) return 0;
    }
    agent->head_fill = agent->body_fill = 0;
    *body = (struct eq_bytes){agent->body, size};
    return id;
}

struct command {
    uint16_t id;
    const uint16_t *(*fields)(void); /* NULL: it has none */
    int (*run)(struct eq_agent *agent);
};
static const struct command commands[] = {
#define WITH(name)    {EQ_MSG_##name, eq_fields_##name, eq_agent_##name},
#define WITHOUT(name) {EQ_MSG_##name, NULL, eq_agent_##name},
    EQ_COMMANDS(WITH, WITHOUT)
#if EQ_HAS(bench)
        EQ_COMMANDS_BENCH(WITH, WITHOUT)
#endif
#if EQ_HAS(signing)
            EQ_COMMANDS_SIGNING(WITH, WITHOUT)
#endif
};

static int handle(struct eq_agent *agent, uint16_t id, struct eq_bytes body) {
    if (agent->link->protocol == 0) return EQ_FAULT_version;
    if (body.size > agent->info.limits.max_message) return EQ_FAULT_too_long;
    if (id != EQ_MSG_data && id != EQ_MSG_end) agent->put_failed = 0;
    if (id == EQ_MSG_stop) return 0; /* came after the work had ended */
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (c->id != id) continue;
        if (c->fields && eq_message_read(&agent->message, c->fields(), body.data, body.size)) return EQ_FAULT_malformed;
        return c->run(agent);
    }
    return EQ_FAULT_unknown_command;
}

int eq_agent_stopped(struct eq_agent *agent) {
    struct eq_bytes body;
    (void)eq_agent_alive(agent);
    if (eq_agent_pump(agent, 0)) return -1;
    return eq_agent_next(agent, &body) != 0;
}

static void begin_session(struct eq_agent *agent) {
    agent->link->fresh = 0;
    agent->head_fill = agent->body_fill = 0;
    agent->put_failed = agent->nonce_ok = 0;
    eq_agent_drop_upload(agent);
    eq_agent_drop_loaded(agent);
    eq_agent_drop_model(agent);
}

#define FORSAKEN_MS 45000u /* hosts give up after 30 s */

/* The connection may be gone though nobody has said so, and an upload keeps others from the store: what came of it stays. */
static void drop_forsaken_upload(struct eq_agent *agent) {
    if (agent->put_target == EQ_PUT_STORE && eq_port_time_ms() - agent->link->heard_ms >= FORSAKEN_MS) eq_agent_drop_upload(agent);
}

static void serve(struct eq_agent *agent) {
    while (!agent->ended) {
        struct eq_bytes body;
        uint16_t id;
        (void)eq_agent_pump(agent, 1000);
        drop_forsaken_upload(agent);
        if (agent->link->fresh) begin_session(agent);
        while (!agent->ended && !agent->link->fresh && (id = eq_agent_next(agent, &body))) {
            agent->detail = 0;
            int fault = handle(agent, id, body);
            if (fault > 0) (void)EQ_SEND(agent, error, (uint16_t)fault, agent->detail, id);
        }
    }
    begin_session(agent);
}

int eq_agent_serve_in(void *memory) {
    struct eq_agent *agent = memory;
    eq_port_info(&agent->info);
    const struct eq_link_limits *limits = &agent->info.limits;
    const uint32_t payload = limits->max_payload, window = limits->window;
    agent->link = eq_link_init((uint8_t *)memory + EQ_AGENT_LINK_AT, limits);
    agent->frame = (uint8_t *)memory + EQ_AGENT_FRAME_AT(payload, window);
    agent->frame_room = EQ_FRAME_BOUND(payload);
    agent->body = (uint8_t *)memory + EQ_AGENT_BODY_AT(payload, window);
    agent->upload.file = -1;
    agent->baud = EQ_LINE_BAUD;
    if (!agent->link) return EQ_FAULT_argument;
    serve(agent);
    return 0;
}

int eq_agent_serve(void) {
    struct eq_port_info info;
    eq_port_info(&info);
    void *memory = eq_port_alloc(EQ_AGENT_BYTES(info.limits.max_payload, info.limits.window, info.limits.max_message));
    int fault = memory ? eq_agent_serve_in(memory) : EQ_FAULT_memory;
    eq_port_free(memory);
    return fault;
}
