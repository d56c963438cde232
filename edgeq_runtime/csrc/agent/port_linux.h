#ifndef PORT_LINUX_H
#define PORT_LINUX_H
/* root NULL: eq_store_default_root. 0 or a fault. */
int eq_port_linux_init(const char *root);
const char *eq_port_linux_root(void);
const char *eq_port_linux_isas(const char *names);
/* The commands that need no host; the exit code. */
int eq_command_run(int count, char **words);
#endif
