/* The self-test of one kernel, for the program in main.c and for the agent, which runs it in a child process. */
#ifndef EQ_KERNEL_CHECK_H
#define EQ_KERNEL_CHECK_H
#include <stddef.h>
#include <stdint.h>

/* Row `index` of kernels.def, which this CPU must run, against the portable one. 0 and how many cases were equal; 1: the first that was
 * not is printed to standard output. Ends the process with code 2 where there is no memory. */
int eq_kernel_check(size_t index, uint32_t *count);
#endif
