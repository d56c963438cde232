#include "../eq_dispatch.h"
#include "eq_agent.h"
#include <string.h>

int eq_agent_kernel(size_t index, struct eq_agent_kernel *kernel) {
    if (index >= eq_kernel_count) return 0;
    const struct eq_kernel *row = &eq_kernels[index];
    const char *const parts[] = {eq_kernel_name(row), "__", eq_isa_name(row->isa)};
    *kernel = (struct eq_agent_kernel){.isa = row->isa, .built = row->run != NULL};
    for (size_t i = 0, at = 0; i < sizeof parts / sizeof *parts; i++) {
        const size_t n = strlen(parts[i]), room = sizeof kernel->name - 1 - at;
        memcpy(kernel->name + at, parts[i], n < room ? n : room);
        at += n < room ? n : room;
    }
    return 1;
}

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
    struct eq_agent_kernel kernel;
    for (size_t k = 0; eq_agent_kernel(k, &kernel); k++)
        if (kernel.built && EQ_SEND(agent, kernel, eq_text(kernel.name))) return -1;
    return eq_agent_done(agent);
}
