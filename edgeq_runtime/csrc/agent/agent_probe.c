/* What the machine is, fact by fact. */
#include "eq_agent.h"

static int send_fact(void *context, const char *key, const char *value, size_t size) {
    struct eq_agent *agent = context;
    eq_agent_alive(agent);
    size_t room = agent->info.limits.max_message - 256u; /* the key takes less */
    return EQ_SEND(agent, fact, eq_text(key), {(const uint8_t *)value, size < room ? size : room});
}

EQ_HANDLER_PLAIN(probe) {
    struct eq_port_listener listener = {send_fact, agent};
    if (eq_port_probe(&listener)) return agent->ended || agent->link->fresh ? -1 : EQ_FAULT_memory;
    return eq_agent_send(agent, EQ_MSG_done, NULL, 0);
}
