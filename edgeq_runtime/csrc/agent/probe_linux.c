/* What this Linux machine is: board, system, memory, the places of store and agent, the user. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include "port_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The device tree ends each string with a zero. */
static void board(struct eq_probe *probe) {
    char path[EQ_PROBE_PATH];
    int count = 0;
    if (eq_probe_path(probe, path, "/proc/device-tree/model") && eq_probe_read(path, probe->file, EQ_PROBE_LINE) > 0)
        eq_probe_tell(probe, "board.model", "%s", probe->file);
    long size = eq_probe_path(probe, path, "/proc/device-tree/compatible") ? eq_probe_read(path, probe->file, EQ_PROBE_VALUE) : -1;
    for (long at = 0; at < size && count < 16; at += (long)strlen(probe->file + at) + 1)
        if (probe->file[at]) eq_probe_tell(probe, "board.compatible", "%s", probe->file + at), count++;
}

static void kernel(struct eq_probe *probe) {
    struct utsname name;
    if (uname(&name)) return;
    eq_probe_tell(probe, "kernel.machine", "%s", name.machine);
    eq_probe_tell(probe, "kernel.release", "%s %s", name.sysname, name.release);
}

static void memory(struct eq_probe *probe) {
    static const char *const keys[][2] = {{"MemTotal", "memory.total"}, {"MemAvailable", "memory.available"}};
    const char *text = eq_probe_text(probe, "/proc/meminfo");
    char value[EQ_PROBE_LINE];
    for (int i = 0; text && i < 2; i++) {
        const char *at = text;
        if (eq_probe_value(&at, keys[i][0], value, sizeof value))
            eq_probe_tell(probe, keys[i][1], "%llu", strtoull(value, NULL, 10) * 1024u);
    }
}

static void system_names(struct eq_probe *probe) {
    char value[EQ_PROBE_LINE];
    const char *at = eq_probe_text(probe, "/etc/os-release");
    if (at && eq_probe_value(&at, "PRETTY_NAME", value, sizeof value)) {
        size_t n = strlen(value), quoted = n > 1 && value[0] == '"' && value[n - 1] == '"';
        eq_probe_tell(probe, "os.name", "%.*s", (int)(n - 2 * quoted), value + quoted);
    }
    /* The release and its revision; what follows has a date of building and a user. */
    if (eq_probe_line(probe, value, sizeof value, "/etc/nv_tegra_release")) {
        char *second = strchr(value, ',');
        if (second) second[1 + strcspn(second + 1, ",")] = 0;
        eq_probe_tell(probe, "os.l4t", "%s", value + strspn(value, "# "));
    }
}

/* The name of a user in /etc/passwd, and the home that stands there. */
static int passwd(struct eq_probe *probe, unsigned long uid, char *name, char *home, size_t room) {
    const char *line = eq_probe_text(probe, "/etc/passwd");
    for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *end = line + strcspn(line, "\n"), *field[7] = {line};
        int n = 1;
        for (const char *p = line; p < end && n < 7; p++)
            if (*p == ':') field[n++] = p + 1;
        if (n < 7 || strtoul(field[2], NULL, 10) != uid) continue;
        snprintf(name, room, "%.*s", (int)(field[1] - line - 1), line);
        snprintf(home, room, "%.*s", (int)(field[6] - field[5] - 1), field[5]);
        return 1;
    }
    return 0;
}

static void tell_yes(struct eq_probe *probe, const char *key, int yes) { eq_probe_tell(probe, key, yes ? "yes" : "no"); }

static void user(struct eq_probe *probe) {
    char name[EQ_PROBE_LINE] = "", home[EQ_PROBE_LINE] = "", path[EQ_PROBE_PATH];
    const unsigned long uid = getuid();
    const char *set = getenv("HOME");
    int known = passwd(probe, uid, name, home, sizeof name);
    if (set && *set) snprintf(home, sizeof home, "%s", set);
    eq_probe_tell(probe, "user.id", "%lu", uid);
    eq_probe_tell(probe, "user.name", "%s", name);
    eq_probe_tell(probe, "home.path", "%s", home);
    if (*home && eq_probe_path(probe, path, "%s", home)) tell_yes(probe, "home.writable", access(path, W_OK | X_OK) == 0);
    if (eq_probe_path(probe, path, "/run/systemd/system")) tell_yes(probe, "systemd.system", access(path, F_OK) == 0);
    if (eq_probe_path(probe, path, "/run/user/%lu/systemd", uid)) tell_yes(probe, "systemd.user", access(path, F_OK) == 0);
    if (known && !strchr(name, '/') && eq_probe_path(probe, path, "/var/lib/systemd/linger/%s", name))
        tell_yes(probe, "systemd.linger", access(path, F_OK) == 0);
}

static void wall_clock(struct eq_probe *probe) {
    struct timespec now;
    if (!clock_gettime(CLOCK_REALTIME, &now)) eq_probe_tell(probe, "clock.wall", "%lld", (long long)now.tv_sec);
}

/* The process itself: its share of the memory, which kernels from 4.14 on say, and where it lies. */
static void agent(struct eq_probe *probe) {
    char path[EQ_PROBE_PATH], value[EQ_PROBE_LINE];
    const char *at = eq_probe_text(probe, "/proc/self/smaps_rollup");
    if (at && eq_probe_value(&at, "Pss", value, sizeof value)) eq_probe_tell(probe, "agent.pss", "%llu", strtoull(value, NULL, 10) * 1024u);
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (slash && slash != path) *slash = 0;
    eq_probe_place(probe, "agent", path);
}

int eq_probe_linux(const char *root, const char *store, const struct eq_port_listener *to) {
    struct eq_probe probe = {root, to, malloc(EQ_PROBE_FILE + 1), 0, 0};
    if (!probe.file) return -1;
    wall_clock(&probe); /* first: the host compares it with the moment of its question */
    board(&probe);
    kernel(&probe);
    eq_probe_cpu(&probe);
    memory(&probe);
    eq_probe_place(&probe, "store", store);
    eq_probe_lock(&probe, store);
    agent(&probe);
    system_names(&probe);
    eq_probe_userland(&probe);
    user(&probe);
    eq_probe_sensors(&probe); /* last: there may be more of them than a probe tells */
    free(probe.file);
    return probe.stopped ? -1 : 0;
}

int eq_port_probe(const struct eq_port_listener *to) { return eq_probe_linux("", eq_port_linux_root(), to); }
