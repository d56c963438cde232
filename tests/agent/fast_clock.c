/* The agent's clock runs 40 times as fast: what it does after a minute can be seen after two seconds. */
#include <stdint.h>

uint64_t __real_eq_port_time_ns(void);
uint64_t __wrap_eq_port_time_ns(void);
uint64_t __wrap_eq_port_time_ns(void) { return 40 * __real_eq_port_time_ns(); }

uint32_t __wrap_eq_port_time_ms(void);
uint32_t __wrap_eq_port_time_ms(void) { return (uint32_t)(__wrap_eq_port_time_ns() / 1000000u); }
