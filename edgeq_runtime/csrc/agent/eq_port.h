/* The machine as the agent sees it. A port implements these functions and calls eq_agent_serve. */
#ifndef EQ_PORT_H
#define EQ_PORT_H
#include "../eq.h"
#include "eq_link.h"
#include "eq_store.h"

/* The byte stream to the host. Read waits at most wait_ms for the first byte: how many came, 0 none in time, -1 the stream has ended. */
int eq_port_read(void *data, size_t size, uint32_t wait_ms);
/* All bytes, 0; -1: the stream has ended. */
int eq_port_write(const void *data, size_t size);
/* The speed of the line to the host in baud: EQ_LINE_BAUD at the start. Sets it, once all that was written has gone out, or with set = 0
 * says only whether it could. 0, or -1: not this one, or the line has none (a pipe, USB). */
int eq_port_speed(uint32_t baud, int set);
#define EQ_LINE_BAUD 115200u

uint64_t eq_port_time_ns(void); /* monotonic, from any origin */
uint32_t eq_port_time_ms(void); /* the same, modulo 2^32: asked for often, and a chip takes long to divide */
uint64_t eq_port_cpu_ns(void);  /* that this thread has computed; a machine that runs nothing else gives the time */
uint64_t eq_port_ticks(void);   /* the cheapest steady counter of the machine, of any rate from 1 MHz on; it may be the time */

/* Bytes that nobody can foretell. 0, or -1: the machine has none, and keys can then be changed on it only where none is enrolled. */
int eq_port_random(void *data, size_t size);

/* Zeroed memory aligned to EQ_ALIGN, NULL where there is none. A port without a heap hands out parts of one pool. */
void *eq_port_alloc(size_t size);
void eq_port_free(void *memory);
/* A part of such memory whose content is of no use any more: a port with pages may give them back until they are written again. */
void eq_port_unused(void *memory, size_t size);

const struct eq_store_ops *eq_port_store(void);

/* So many threads for inferences, until the next call; 1 lets them go and gives NULL, as a number that the port cannot start does. */
const struct eq_workers *eq_port_workers(int threads);

/* Run work(argument, result) where a crash or an endless loop does not take the agent with it (a child process, a watchdog);
 * result_size bytes at result come back. alive is called at least once a second meanwhile where the port can; where it gives not 0 the
 * work is ended. 0: work has returned; EQ_FAULT_selftest_crashed with *detail the signal, EQ_FAULT_selftest_hung, EQ_FAULT_host_gone
 * after alive, or EQ_FAULT_memory. */
struct eq_port_work {
    void (*work)(void *argument, void *result);
    void *argument;
    void *result;
    size_t result_size;
    uint32_t limit_ms;
    int (*alive)(void *context);
    void *alive_context;
    int detail;
};
int eq_port_guard(struct eq_port_work *work);

struct eq_port_info {
    const char *board, *machine, *system;         /* at most 127 bytes each; they stay */
    uint64_t clock_hz, memory_bytes, memory_free; /* 0: not known */
    uint32_t isas;                                /* that the agent uses */
    struct eq_link_limits limits;
};
void eq_port_info(struct eq_port_info *info);

/* What the machine is beyond that, one fact after the other (keys: SPEC.md 4.5); a port that knows nothing more tells nothing. It only
 * reads. tell gives not 0 to stop. 0, -1: stopped, or no memory. */
struct eq_port_listener {
    int (*tell)(void *context, const char *key, const char *value, size_t size);
    void *context;
};
int eq_port_probe(const struct eq_port_listener *to);

/* Compare row `index` of kernels.def with the portable one; called where eq_port_guard runs work. 0: *cases were equal, 1: one was not,
 * -1: this port has no such test. */
int eq_port_check_kernel(size_t index, uint32_t *cases);

/* The other direction: serve hosts until the stream ends. 0, or a fault that kept it from starting. */
int eq_agent_serve(void);
#endif
