/* Files of a machine that nobody vouches for: bounded, and never waited for. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void eq_probe_tell(struct eq_probe *probe, const char *key, const char *format, ...) {
    char value[EQ_PROBE_VALUE];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(value, sizeof value, format, list);
    va_end(list);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof value ? (size_t)n : sizeof value - 1;
    while (size && value[size - 1] == ' ') size--;
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)value[i] < 32 && value[i] != '\t') || value[i] == 127) value[i] = '?';
    if (!size || probe->stopped || probe->told == EQ_PROBE_FACTS) return;
    probe->told++;
    probe->stopped = probe->to->tell(probe->to->context, key, value, size) != 0;
}

static int join(const struct eq_probe *probe, char out[EQ_PROBE_PATH], const char *format, va_list list) {
    int head = snprintf(out, EQ_PROBE_PATH, "%s", probe->root);
    if (head < 0 || head >= EQ_PROBE_PATH) return 0;
    int tail = vsnprintf(out + head, (size_t)(EQ_PROBE_PATH - head), format, list);
    return tail >= 0 && tail < EQ_PROBE_PATH - head;
}

int eq_probe_path(const struct eq_probe *probe, char out[EQ_PROBE_PATH], const char *format, ...) {
    va_list list;
    va_start(list, format);
    int fits = join(probe, out, format, list);
    va_end(list);
    return fits;
}

long eq_probe_read(const char *path, char *out, size_t room) {
    struct stat info;
    size_t got = 0;
    /* Looked at before it is opened: opening a device can do something to it. */
    if (stat(path, &info) || !S_ISREG(info.st_mode)) return -1;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file < 0) return -1;
    if (fstat(file, &info) || !S_ISREG(info.st_mode)) room = 0; /* another file has come in its place */
    while (got + 1 < room) {
        ssize_t n = read(file, out + got, room - 1 - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && got == 0) room = 0;
        if (n <= 0) break;
        got += (size_t)n;
    }
    close(file);
    if (room == 0) return -1;
    out[got] = 0;
    return (long)got;
}

int eq_probe_line(const struct eq_probe *probe, char *out, size_t room, const char *format, ...) {
    char path[EQ_PROBE_PATH];
    va_list list;
    va_start(list, format);
    int fits = join(probe, path, format, list);
    va_end(list);
    out[0] = 0;
    if (!fits || eq_probe_read(path, out, room) <= 0) return 0;
    out[strcspn(out, "\r\n")] = 0;
    return out[0] != 0;
}

int eq_probe_number(const struct eq_probe *probe, uint64_t *out, const char *format, ...) {
    char path[EQ_PROBE_PATH], text[EQ_PROBE_LINE], *end;
    va_list list;
    va_start(list, format);
    int fits = join(probe, path, format, list);
    va_end(list);
    if (!fits || eq_probe_read(path, text, sizeof text) <= 0 || text[0] < '0' || text[0] > '9') return 0;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno || (*end && *end != '\n')) return 0;
    *out = value;
    return 1;
}

char *eq_probe_text(struct eq_probe *probe, const char *path) {
    char full[EQ_PROBE_PATH];
    if (!eq_probe_path(probe, full, "%s", path)) return NULL;
    return eq_probe_read(full, probe->file, EQ_PROBE_FILE + 1) < 0 ? NULL : probe->file;
}

int eq_probe_value(const char **at, const char *key, char *out, size_t room) {
    const size_t n = strlen(key);
    const char *line = *at;
    while (*line) {
        const char *end = line + strcspn(line, "\n"), *mark = line + n;
        int same = (size_t)(end - line) > n && !strncmp(line, key, n);
        if (same) mark += strspn(mark, " \t");
        *at = *end ? end + 1 : end;
        if (same && mark < end && (*mark == ':' || *mark == '=')) {
            mark++;
            while (mark < end && (*mark == ' ' || *mark == '\t')) mark++;
            snprintf(out, room, "%.*s", (int)(end - mark), mark);
            return 1;
        }
        line = *at;
    }
    return 0;
}

/* cpu2 before cpu10. */
static int by_number(const void *a, const void *b) { return strverscmp(a, b); }

struct eq_probe_names *eq_probe_list(const struct eq_probe *probe, const char *folder, const char *prefix) {
    char path[EQ_PROBE_PATH];
    struct dirent *entry;
    struct eq_probe_names *names = calloc(1, sizeof *names);
    DIR *dir = names && eq_probe_path(probe, path, "%s", folder) ? opendir(path) : NULL;
    for (int seen = 0; dir && seen < 16 * EQ_PROBE_ENTRIES && (entry = readdir(dir)); seen++) {
        size_t n = strlen(entry->d_name);
        if (names->count == EQ_PROBE_ENTRIES || n >= EQ_PROBE_NAME || entry->d_name[0] == '.') continue;
        if (!strncmp(entry->d_name, prefix, strlen(prefix))) memcpy(names->name[names->count++], entry->d_name, n + 1);
    }
    if (dir) closedir(dir);
    if (names) qsort(names->name, (size_t)names->count, EQ_PROBE_NAME, by_number);
    return names;
}
