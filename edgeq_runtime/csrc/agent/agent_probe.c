/* What the machine is, fact by fact, and whether its processor computes what every other does. */
#include "../eq_dispatch.h"
#include "eq_agent.h"

static int send_fact(void *context, const char *key, const char *value, size_t size) {
    struct eq_agent *agent = context;
    (void)eq_agent_alive(agent);
    size_t room = agent->info.limits.max_message - 256u; /* the key takes less */
    return EQ_SEND(agent, fact, eq_text(key), {(const uint8_t *)value, size < room ? size : room});
}

EQ_HANDLER_PLAIN(probe) {
    struct eq_port_listener listener = {send_fact, agent};
    if (eq_port_probe(&listener)) return agent->ended || agent->link->fresh ? -1 : EQ_FAULT_memory;
    return eq_agent_done(agent);
}

struct check {
    size_t index;
    int status;
    uint32_t cases;
};

static void run_check(void *argument, void *result) {
    struct check *check = result;
    *check = *(const struct check *)argument;
    check->status = eq_port_check_kernel(check->index, &check->cases);
}

EQ_HANDLER(check_kernel) {
    struct eq_agent_kernel kernel;
    if (!eq_agent_kernel(message->index, &kernel)) return EQ_FAULT_argument;
    const uint8_t here = kernel.built && (agent->info.isas >> kernel.isa & 1);
    struct check check = {message->index, 0, 0};
    struct eq_port_work work = {run_check, &check, &check, sizeof check, message->limit_ms, eq_agent_alive, agent, 0};
    int fault = here ? eq_port_guard(&work) : 0;
    if (!fault && check.status < 0) return EQ_FAULT_unknown_command;
    if (!fault && check.status) fault = EQ_FAULT_selftest_failed;
    return EQ_SEND(agent, checked, (uint16_t)eq_kernel_count, here, (uint16_t)fault, work.detail, check.cases, eq_text(kernel.name));
}
