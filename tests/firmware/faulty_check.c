/* Stands before eq_port_check_kernel in a firmware for the tests: the first call reads where there is no memory, the next runs what is no
 * instruction, never ends, never ends and keeps memory; the others return. */
#include "agent/eq_port.h"

int __wrap_eq_port_check_kernel(size_t index, uint32_t *cases);

int __wrap_eq_port_check_kernel(size_t index, uint32_t *cases) {
    static int calls;
    volatile uint32_t keeps_on = 1;
    const int call = calls++;
    (void)index;
    if (call == 0) *cases = *(volatile uint32_t *)(uintptr_t)0xF0000000u;
    if (call == 1) __asm volatile("udf #1");
    if (call == 3) keeps_on += eq_port_alloc(100000) != NULL;
    while (call == 2 || call == 3) keeps_on = keeps_on | 1;
    *cases = 7;
    return 0;
}
