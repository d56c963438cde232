/* The stream to the host and the clock of a POSIX process: standard input and output. */
#include "eq_port.h"
#include <errno.h>
#include <poll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int eq_port_read(void *data, size_t size, uint32_t wait_ms) {
    struct pollfd in = {0, POLLIN, 0};
    int ready = poll(&in, 1, (int)(wait_ms < 60000 ? wait_ms : 60000));
    if (ready == 0 || (ready < 0 && errno == EINTR)) return 0;
    ssize_t n = ready < 0 ? -1 : read(0, data, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
    return n > 0 ? (int)n : -1;
}

int eq_port_write(const void *data, size_t size) {
    const char *p = data;
    while (size) {
        ssize_t n = write(1, p, size);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd out = {1, POLLOUT, 0};
            (void)poll(&out, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) p += n, size -= (size_t)n;
    }
    return 0;
}

/* Where standard input is a terminal, a serial port that is. */
int eq_port_speed(uint32_t baud, int set) {
    static const struct {
        uint32_t baud;
        speed_t code;
    } speeds[] = {
        {115200, B115200},   {230400, B230400},
#ifdef B921600
        {460800, B460800},   {921600, B921600},
#endif
#ifdef B3000000
        {1000000, B1000000}, {1500000, B1500000}, {2000000, B2000000}, {3000000, B3000000},
#endif
    };
    struct termios line;
    size_t i = 0;
    while (i < sizeof speeds / sizeof *speeds && speeds[i].baud != baud) i++;
    if (i == sizeof speeds / sizeof *speeds || tcgetattr(0, &line)) return -1;
    if (!set) return 0;
    return cfsetispeed(&line, speeds[i].code) || cfsetospeed(&line, speeds[i].code) || tcsetattr(0, TCSADRAIN, &line) ? -1 : 0;
}

uint64_t eq_port_time_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint32_t eq_port_time_ms(void) { return (uint32_t)(eq_port_time_ns() / 1000000u); }
