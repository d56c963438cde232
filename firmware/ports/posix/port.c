/* A microcontroller played by a POSIX process: the limits of a small device, one pool of memory, no processes. Core, agent and link
 * are tested on it as firmware links them. The stream is standard input and output, the store a folder (EDGEQ_STORE). */
#include "agent/eq_pool.h"
#include "agent/eq_port.h"
#include "eq.h"
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POOL_BYTES (320u * 1024u) /* the RAM of a common Cortex-M7 */

static alignas(EQ_ALIGN) uint8_t memory[POOL_BYTES];
static struct eq_pool pool = {memory, POOL_BYTES};
static struct eq_store_files files;

uint64_t eq_port_ticks(void) { return eq_port_time_ns(); }

uint64_t eq_port_cpu_ns(void) { return eq_port_time_ns(); }

const struct eq_workers *eq_port_workers(int threads) {
    (void)threads;
    return NULL;
}

int eq_port_random(void *data, size_t size) { return getentropy(data, size); }

void *eq_port_alloc(size_t size) { return eq_pool_alloc(&pool, size); }

void eq_port_free(void *block) { eq_pool_free(&pool, block); }

void eq_port_unused(void *memory, size_t size) { (void)memory, (void)size; } /* a pool has no pages */

const struct eq_store_ops *eq_port_store(void) { return &files.ops; }

/* Nothing stands between the agent and the work: a chip has a watchdog here. */
int eq_port_guard(struct eq_port_work *work) {
    work->work(work->argument, work->result);
    return 0;
}

void eq_port_info(struct eq_port_info *info) {
    memset(info, 0, sizeof *info);
    strcpy(info->board, "posix");
    strcpy(info->machine, "microcontroller played by a process");
    strcpy(info->system, "none");
    info->memory_bytes = POOL_BYTES;
    info->memory_free = eq_pool_room(&pool);
    info->isas = 1u << EQ_ISA_portable;
    info->limits = (struct eq_link_limits){512, 2048, 1024, EQ_VERSION_NUMBER};
}

/* A chip's firmware knows nothing that eq_port_info does not say. */
int eq_port_probe(const struct eq_port_listener *to) {
    (void)to;
    return 0;
}

/* The test needs pages that cannot be read: a chip runs the self-tests of its models. */
int eq_port_check_kernel(size_t index, uint32_t *cases) {
    (void)index;
    (void)cases;
    return -1;
}

int main(void) {
    char root[3072];
    if (eq_store_default_root(root, sizeof root) || !eq_store_files_init(&files, root)) {
        fputs("edgeq-posix: set EDGEQ_STORE to the folder of the store\n", stderr);
        return 2;
    }
    return eq_fault_exit_code(eq_agent_serve());
}
