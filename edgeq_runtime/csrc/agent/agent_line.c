/* The speed of the line: agreed after hello, confirmed at the new speed, and back by itself where the host is not heard. */
#include "eq_agent.h"

static const uint32_t speeds[] = {230400, 460800, 921600, 1000000, 1500000, 2000000, 3000000};
enum { COUNT = sizeof speeds / sizeof *speeds, SETTLE_MS = 300, CONFIRM_MS = 2000, QUIET_MS = 500, MOST_QUIET_MS = 60000 };

static int offers(uint32_t baud) {
    for (int i = 0; i < COUNT; i++)
        if (speeds[i] == baud) return eq_port_speed(baud, 0) == 0;
    return baud == EQ_LINE_BAUD;
}

EQ_HANDLER_PLAIN(line_speeds) {
    uint8_t list[4 * COUNT];
    size_t size = 0;
    for (int i = 0; i < COUNT; i++)
        if (offers(speeds[i])) eq_store_u32(list + size, speeds[i]), size += 4;
    return EQ_SEND(agent, offered, agent->baud, {list, size});
}

static void set(struct eq_agent *agent, uint32_t baud) {
    agent->waited_ns = 0;
    if (baud != agent->baud && eq_port_speed(baud, 1) == 0) agent->baud = baud;
}

/* The answer goes at the old speed. Where its acknowledgement does not come, the host finds it again at the new one. */
EQ_HANDLER(line_speed) {
    if (!offers(message->baud) || message->quiet_ms < QUIET_MS || message->quiet_ms > MOST_QUIET_MS || message->confirm_ms > CONFIRM_MS)
        return EQ_FAULT_argument;
    const uint32_t since_ms = eq_port_time_ms();
    if (eq_agent_done(agent)) return -1;
    while (eq_link_pending(agent->link) && eq_port_time_ms() - since_ms < SETTLE_MS)
        if (eq_agent_pump(agent, 10)) return -1;
    agent->quiet_ms = message->confirm_ms;
    agent->quiet_confirmed_ms = message->quiet_ms;
    set(agent, message->baud);
    return 0;
}

EQ_HANDLER(confirm) {
    agent->quiet_ms = agent->quiet_confirmed_ms;
    return EQ_SEND(agent, confirmed, message->bytes);
}

void eq_agent_waited(struct eq_agent *agent, uint64_t since_ns) {
    agent->waited_ns += eq_port_time_ns() - since_ns;
    if (agent->heard_ms != agent->link->heard_ms) agent->heard_ms = agent->link->heard_ms, agent->waited_ns = 0;
    if (agent->waited_ns >= agent->quiet_ms * (uint64_t)1000000) set(agent, EQ_LINE_BAUD);
}
