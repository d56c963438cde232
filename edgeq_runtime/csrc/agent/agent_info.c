#include "eq_agent.h"
#include <string.h>

static const struct {
    const char *name;
    int built;
} kernels[] = {
#define EQ_KERNEL(family, types, isa, mr, nr, kr) {#family "_" #types "__" #isa, EQ_ON_##isa},
#include "../kernels.def"
#undef EQ_KERNEL
    {"", 0},
};

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
    for (size_t k = 0; k + 1 < sizeof kernels / sizeof kernels[0]; k++)
        if (kernels[k].built && EQ_SEND(agent, kernel, eq_text(kernels[k].name))) return -1;
    return eq_agent_send(agent, EQ_MSG_done, NULL, 0);
}
