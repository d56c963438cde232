#ifndef PORT_LINUX_H
#define PORT_LINUX_H
#include <stddef.h>
#include <stdint.h>
/* root NULL: eq_store_default_root. 0 or a fault. */
int eq_port_linux_init(const char *root);
const char *eq_port_linux_root(void);
const char *eq_port_linux_isas(const char *names);
/* What eq_port_check_kernel calls: the agent has the test, the library has not. */
void eq_port_linux_checks(int (*check)(size_t index, uint32_t *cases));
/* The commands that need no host; the exit code. */
int eq_command_run(int count, char **words);
#endif
