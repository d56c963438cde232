/* Shared by the files that find out what a Linux machine is. They only read: nothing is written, created or executed. */
#ifndef PROBE_LINUX_H
#define PROBE_LINUX_H
#include "eq_port.h"
#include <stddef.h>
#include <stdint.h>

enum {
    EQ_PROBE_FILE = 65536, /* bytes of a file that are looked at */
    EQ_PROBE_LINE = 256,   /* of a file with one value */
    EQ_PROBE_VALUE = 2048, /* of a fact */
    EQ_PROBE_PATH = 1024,
    EQ_PROBE_ENTRIES = 256, /* of a folder */
    EQ_PROBE_NAME = 64,     /* of an entry; longer ones are passed over */
    EQ_PROBE_FACTS = 512,   /* of a machine */
};

struct eq_probe {
    const char *root; /* before every path; "" on the machine itself */
    const struct eq_port_listener *to;
    char *file; /* EQ_PROBE_FILE + 1 bytes, for one file at a time */
    int told, stopped;
};

/* What is found below `root` and of this process. store: its folder. 0, -1 where the listener stopped it or memory is missing. */
int eq_probe_linux(const char *root, const char *store, const struct eq_port_listener *to);

/* A fact; control characters in it become '?'. Nothing where the value is empty. */
void eq_probe_tell(struct eq_probe *probe, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* root + path; 0 where it does not fit. */
int eq_probe_path(const struct eq_probe *probe, char out[EQ_PROBE_PATH], const char *format, ...) __attribute__((format(printf, 3, 4)));
/* At most `room` - 1 bytes of a regular file, terminated; how many, or -1. Never waits for a pipe or a device. */
long eq_probe_read(const char *path, char *out, size_t room);
/* The first line of a file below the root, without its end; 0 where there is none or it is empty. */
int eq_probe_line(const struct eq_probe *probe, char *out, size_t room, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A whole number in a file below the root. */
int eq_probe_number(const struct eq_probe *probe, uint64_t *out, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* probe->file = the file below the root; NULL where it cannot be read. */
char *eq_probe_text(struct eq_probe *probe, const char *path);
/* The value after `key` and ':' or '=' in lines of text, from *at on, which moves behind it; 0: no more. */
int eq_probe_value(const char **at, const char *key, char *out, size_t room);

/* Names in a folder below the root that begin with `prefix`, in the order of the numbers in them; free them with free(). */
struct eq_probe_names {
    int count;
    char name[EQ_PROBE_ENTRIES][EQ_PROBE_NAME];
};
struct eq_probe_names *eq_probe_list(const struct eq_probe *probe, const char *folder, const char *prefix);

void eq_probe_cpu(struct eq_probe *probe);
void eq_probe_sensors(struct eq_probe *probe);
void eq_probe_userland(struct eq_probe *probe);
void eq_probe_place(struct eq_probe *probe, const char *name, const char *folder);
void eq_probe_lock(struct eq_probe *probe, const char *store);
#endif
