/* Takes the place of stream_posix.c: the line and the clock are those of tests/link/modelled.py, which answers each request on standard
 * output by one on standard input. The agent computes in no time. */
#include "agent/eq_port.h"
#include <string.h>
#include <unistd.h>

static uint64_t now_ns;

static void all(ssize_t (*move)(int, void *, size_t), int file, void *data, size_t size) {
    for (uint8_t *at = data; size;) {
        const ssize_t n = move(file, at, size);
        if (n <= 0) _exit(0); /* the line is gone for good */
        at += n, size -= (size_t)n;
    }
}

static ssize_t give(int file, void *data, size_t size) { return write(file, data, size); }

/* Request: 'R' or 'W', bytes, milliseconds; answer: the time, and how many bytes follow. */
static uint32_t ask(char what, uint32_t size, uint32_t wait_ms, const void *data) {
    uint8_t request[9] = {(uint8_t)what}, answer[12];
    eq_store_u32(request + 1, size);
    eq_store_u32(request + 5, wait_ms);
    all(give, 1, request, sizeof request);
    if (data) all(give, 1, (void *)(uintptr_t)data, size);
    all(read, 0, answer, sizeof answer);
    now_ns = eq_load_u64(answer);
    return eq_load_u32(answer + 8);
}

int eq_port_read(void *data, size_t size, uint32_t wait_ms) {
    const uint32_t n = ask('R', (uint32_t)size, wait_ms, NULL);
    all(read, 0, data, n);
    return (int)n;
}

int eq_port_write(const void *data, size_t size) {
    (void)ask('W', (uint32_t)size, 0, data);
    return 0;
}

/* The line has the one speed that is modelled. */
int eq_port_speed(uint32_t baud, int set) {
    (void)set;
    return baud == 115200 ? 0 : -1;
}

uint64_t eq_port_time_ns(void) { return now_ns; }

uint32_t eq_port_time_ms(void) { return (uint32_t)(now_ns / 1000000u); }
