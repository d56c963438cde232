/* Preloaded into a program: the calls that change files below $TRACE_BELOW, or make them durable, as lines of $TRACE_FILE:
 * kind, path, and the new name or the number of bytes. Calls that failed are not written down. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void say(const char *kind, const char *path, const char *more) {
    const char *below = getenv("TRACE_BELOW");
    char line[3 * 4096];
    if (!below || strncmp(path, below, strlen(below))) return;
    int n = snprintf(line, sizeof line, "%s\t%s\t%s\n", kind, path, more);
    int file = REAL(open)(getenv("TRACE_FILE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || REAL(write)(file, line, (size_t)n) != n) abort();
    close(file);
}

static void say_file(const char *kind, int file, const char *more) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return;
    path[n] = 0;
    say(kind, path, more);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int existed = access(path, F_OK) == 0, file = REAL(open)(path, flags, mode);
    if (file >= 0 && !existed) say("create", path, "");
    return file;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

ssize_t write(int file, const void *data, size_t size) {
    char more[32];
    ssize_t n = REAL(write)(file, data, size);
    snprintf(more, sizeof more, "%zd", n);
    if (n > 0) say_file("write", file, more);
    return n;
}

int fsync(int file) {
    int result = REAL(fsync)(file);
    if (!result) say_file("fsync", file, "");
    return result;
}

#define ONE_PATH(name, arguments, values)                                                                                                  \
    int name arguments {                                                                                                                   \
        int result = REAL(name) values;                                                                                                    \
        if (!result) say(#name, path, "");                                                                                                 \
        return result;                                                                                                                     \
    }
ONE_PATH(mkdir, (const char *path, mode_t mode), (path, mode))
ONE_PATH(rmdir, (const char *path), (path))
ONE_PATH(unlink, (const char *path), (path))

int rename(const char *from, const char *to) {
    int result = REAL(rename)(from, to);
    if (!result) say("rename", from, to);
    return result;
}
