/* The probe of a machine whose files lie below a folder: a line for each fact. */
#include "agent/port_linux.h"
#include "agent/probe_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int limit;

static int print(void *context, const char *key, const char *value, size_t size) {
    (void)context;
    if (size > EQ_PROBE_VALUE) abort();
    printf("%s\t", key);
    fwrite(value, 1, size, stdout);
    putchar('\n');
    return --limit == 0;
}

const char *eq_port_linux_root(void) { return ""; } /* of the machine itself, which is not asked */

/* ROOT STORE [FACTS]: stop after so many. 1: stopped. */
int main(int count, char **words) {
    struct eq_port_listener listener = {print, NULL};
    if (count < 3) return 2;
    limit = count > 3 ? atoi(words[3]) : 0;
    return eq_probe_linux(words[1], words[2], &listener) ? 1 : 0;
}
