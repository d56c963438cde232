#include "eq_agent.h"
#include <string.h>

const struct eq_agent_kernel eq_agent_kernels[] = {
#define EQ_KERNEL(family, types, isa, mr, nr, kr) {#family "_" #types "__" #isa, EQ_ISA_##isa, EQ_ON_##isa},
#include "../kernels.def"
#undef EQ_KERNEL
};
const size_t eq_agent_kernel_count = sizeof eq_agent_kernels / sizeof eq_agent_kernels[0];

static size_t isa_names(char *out, size_t room, uint32_t isas) {
    size_t at = 0;
    for (unsigned i = 0; i < EQ_ISA_COUNT; i++) {
        size_t n = strlen(eq_isa_name(i));
        if (!(isas >> i & 1) || at + n + 1 > room) continue;
        if (at) out[at++] = ' ';
        memcpy(out + at, eq_isa_name(i), n);
        at += n;
    }
    return at;
}

EQ_HANDLER_PLAIN(info) {
    char names[255];
    eq_port_info(&agent->info); /* memory and clock change */
    const struct eq_port_info *i = &agent->info;
    struct eq_text isas = {names, isa_names(names, sizeof names, i->isas)};
    if (EQ_SEND(agent, device, eq_text(i->board), eq_text(i->machine), eq_text(i->system), eq_text("edgeq-agent " EQ_VERSION_TEXT),
                i->clock_hz, i->memory_bytes, i->memory_free, eq_port_store()->free_bytes(eq_port_store()->context), i->isas, isas))
        return -1;
    for (size_t k = 0; k < eq_agent_kernel_count; k++)
        if (eq_agent_kernels[k].built && EQ_SEND(agent, kernel, eq_text(eq_agent_kernels[k].name))) return -1;
    return eq_agent_send(agent, EQ_MSG_done, NULL, 0);
}
