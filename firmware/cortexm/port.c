/* The machine as the agent sees it, on any Cortex-M: one pool of the RAM that is left, no processes, no system. */
#include "agent/eq_agent.h"
#include "agent/eq_pool.h"
#include "cortexm.h"
#include <string.h>

enum { PAYLOAD = 256, WINDOW = 1024, MESSAGE = 512 }; /* the longest message that comes opens a model by name and variant */

static struct eq_pool pool;
static _Alignas(EQ_ALIGN) uint8_t eq_agent_memory[EQ_AGENT_BYTES(PAYLOAD, WINDOW, MESSAGE)];

const struct eq_workers *eq_port_workers(int threads) {
    (void)threads;
    return NULL;
}

int eq_port_random(void *data, size_t size) {
    (void)data, (void)size;
    return -1;
}

void *eq_port_alloc(size_t size) { return eq_pool_alloc(&pool, size); }

void eq_port_free(void *memory) { eq_pool_free(&pool, memory); }

void eq_port_unused(void *memory, size_t size) { (void)memory, (void)size; } /* a pool has no pages */

/* What the work has allocated when it is ended goes back to the pool. */
int eq_port_guard(struct eq_port_work *work) {
    eq_pool_mark(&pool);
    const int fault = eq_guard_run(work->work, work->argument, work->result, work->limit_ms);
    eq_pool_settle(&pool, fault == 0);
    return fault;
}

void eq_port_info(struct eq_port_info *info) {
    memset(info, 0, sizeof *info);
    info->board = EQ_BOARD_ID;
    info->machine = EQ_BOARD_MACHINE;
    info->system = "none";
    info->clock_hz = EQ_BOARD_HZ;
    info->memory_bytes = pool.size;
    info->memory_free = eq_pool_room(&pool);
    info->isas = eq_cpu_isas();
    info->limits = (struct eq_link_limits){PAYLOAD, WINDOW, MESSAGE, EQ_VERSION_NUMBER};
}

/* A chip's firmware knows nothing that eq_port_info does not say. */
int eq_port_probe(const struct eq_port_listener *to) {
    (void)to;
    return 0;
}

/* The test needs pages that cannot be read: a chip runs the self-tests of its models. */
int eq_port_check_kernel(size_t index, uint32_t *cases) {
    (void)index, (void)cases;
    return -1;
}

int main(void) {
    const size_t start = ((uintptr_t)eq_pool_start + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN;
    pool.memory = (uint8_t *)start;
    pool.size = ((uintptr_t)eq_pool_end - start) / EQ_ALIGN * EQ_ALIGN;
    memset(pool.memory, 0, EQ_ALIGN); /* of an unused pool it reads no more */
    eq_store_start();
    eq_time_start();
    eq_board_start();
    return eq_agent_serve_in(eq_agent_memory);
}
