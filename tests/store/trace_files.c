/* Preloaded into a program: the calls that change files below $TRACE_BELOW, or make them durable, as lines of $TRACE_FILE:
 * kind, path, and the new name or the number of bytes. Calls that failed are not written down.
 * $TRACE_KILL: the number of such a call before which the program is killed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define ROOM       8192
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_below(const char *path) {
    const char *below = getenv("TRACE_BELOW");
    return below && !strncmp(path, below, strlen(below));
}

/* Before a call on `path`. */
static void maybe_die(const char *path) {
    static int calls;
    const char *kill_at = getenv("TRACE_KILL");
    if (kill_at && is_below(path) && ++calls == atoi(kill_at)) raise(SIGKILL);
}

static void say(const char *kind, const char *path, const char *more) {
    char line[3 * ROOM];
    if (!is_below(path)) return;
    int n = snprintf(line, sizeof line, "%s\t%s\t%s\n", kind, path, more);
    int file = REAL(open)(getenv("TRACE_FILE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || REAL(write)(file, line, (size_t)n) != n) abort();
    close(file);
}

/* The path behind an open file. */
static const char *path_of(int file, char out[ROOM]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, out, ROOM - 1);
    out[n < 0 ? 0 : n] = 0;
    return out;
}

static const char *path_at(int folder, const char *name, char out[ROOM]) {
    if (folder == AT_FDCWD || *name == '/') snprintf(out, ROOM, "%s", name);
    else snprintf(out + strlen(path_of(folder, out)), ROOM / 2, "/%s", name);
    return out;
}

int openat(int folder, const char *name, int flags, ...) {
    char path[ROOM];
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int existed = faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    path_at(folder, name, path);
    if (!existed && flags & O_CREAT) maybe_die(path);
    int file = REAL(openat)(folder, name, flags, mode);
    if (file >= 0 && !existed) say("create", path, "");
    return file;
}

int openat64(int folder, const char *name, int flags, ...) __attribute__((alias("openat")));

ssize_t write(int file, const void *data, size_t size) {
    char path[ROOM], more[32];
    maybe_die(path_of(file, path));
    ssize_t n = REAL(write)(file, data, size);
    snprintf(more, sizeof more, "%zd", n);
    if (n > 0) say("write", path, more);
    return n;
}

int fsync(int file) {
    char path[ROOM];
    maybe_die(path_of(file, path));
    int result = REAL(fsync)(file);
    if (!result) say("fsync", path, "");
    return result;
}

int mkdir(const char *path, mode_t mode) {
    maybe_die(path);
    int result = REAL(mkdir)(path, mode);
    if (!result) say("mkdir", path, "");
    return result;
}

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[ROOM];
    maybe_die(path_at(folder, name, path));
    int result = REAL(mkdirat)(folder, name, mode);
    if (!result) say("mkdir", path, "");
    return result;
}

int unlinkat(int folder, const char *name, int flags) {
    char path[ROOM];
    maybe_die(path_at(folder, name, path));
    int result = REAL(unlinkat)(folder, name, flags);
    if (!result) say(flags & AT_REMOVEDIR ? "rmdir" : "unlink", path, "");
    return result;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    char a[ROOM], b[ROOM];
    maybe_die(path_at(from_folder, from, a));
    int result = REAL(renameat)(from_folder, from, to_folder, to);
    if (!result) say("rename", a, path_at(to_folder, to, b));
    return result;
}
