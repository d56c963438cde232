/* The stream to the host: a ring that the receive interrupt fills, and bytes that are sent as the line takes them. */
#include "cortexm.h"
#include "registers.h"

#define RING 1024u /* bytes, a power of two: the window of eq_port_info; what a busy agent leaves no room for comes again */

static uint8_t ring[RING];
static volatile uint32_t head, tail; /* bytes that came and that were taken, ever */

void eq_serial_came(uint8_t byte) {
    const uint32_t at = head;
    if (at - tail >= RING) return;
    ring[at % RING] = byte;
    head = at + 1;
}

/* Until something has come or the time is over; SysTick's interrupt ends a sleep, too. */
static int wait(uint32_t wait_ms) {
    const uint64_t end = eq_port_time_ns() + wait_ms * 1000000ull;
    while (head == tail) {
        if (eq_port_time_ns() >= end) return 0;
        eq_interrupts_off();
        if (head == tail) eq_sleep();
        eq_interrupts_on();
    }
    return 1;
}

int eq_port_read(void *data, size_t size, uint32_t wait_ms) {
    uint8_t *out = data;
    if (head == tail && (wait_ms == 0 || !wait(wait_ms))) return 0;
    uint32_t at = tail, n = head - at;
    if (n > size) n = (uint32_t)size;
    for (uint32_t i = 0; i < n; i++) out[i] = ring[(at + i) % RING];
    tail = at + n;
    return (int)n;
}

int eq_port_write(const void *data, size_t size) {
    const uint8_t *in = data;
    for (size_t i = 0; i < size; i++) eq_board_send(in[i]);
    return 0;
}

/* Of a board that says nothing of its own. */
__attribute__((weak)) int eq_port_speed(uint32_t baud, int set) {
    (void)baud, (void)set;
    return -1;
}
