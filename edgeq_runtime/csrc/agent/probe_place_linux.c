/* The disk that a folder lies on. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The folder itself, or the nearest above it that is there, without links. missing: how many folders are not there. */
static int nearest(const struct eq_probe *probe, const char *folder, char out[EQ_PROBE_PATH], int *missing) {
    char at[EQ_PROBE_PATH], found[4096];
    *missing = 0;
    int absolute = folder[0] == '/';
    if (!(absolute ? eq_probe_path(probe, at, "%s", folder) : snprintf(at, sizeof at, "./%.900s", folder) > 0)) return 0;
    while (!realpath(at, found)) {
        char *slash = strrchr(at, '/');
        if (!slash || !at[1]) return 0;
        if (slash[1]) ++*missing;
        slash[slash == at] = 0;
    }
    return snprintf(out, EQ_PROBE_PATH, "%s", found) < EQ_PROBE_PATH;
}

/* mountinfo writes a space as \040. */
static void unescape(char *text) {
    char *out = text;
    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
            *out++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
            p += 3;
        } else {
            *out++ = *p;
        }
    }
    *out = 0;
}

struct mount {
    char type[64];
    unsigned device[2]; /* major and minor, as /proc/locks has them: those of stat are others on some file systems */
};

/* The mount whose place is the longest beginning of the path; the last of several on one place counts. */
static void mount_of(struct eq_probe *probe, const char *path, struct mount *mount) {
    char point[EQ_PROBE_PATH];
    struct mount at;
    size_t best = 0;
    if (!*path) path = "/";
    const char *line = eq_probe_text(probe, "/proc/self/mountinfo");
    for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *dash = strstr(line, " - ");
        if (!dash || dash > line + strcspn(line, "\n")) continue;
        if (sscanf(line, "%*s %*s %u:%u %*s %1000s", &at.device[0], &at.device[1], point) != 3) continue;
        if (sscanf(dash + 3, "%60s", at.type) != 1) continue;
        unescape(point);
        size_t n = strcmp(point, "/") ? strlen(point) : 0;
        int inside = !strncmp(path, point, n) && (path[n] == '/' || path[n] == 0);
        if (!inside || n + 1 < best) continue;
        best = n + 1;
        *mount = at;
    }
}

static const char *below_root(const struct eq_probe *probe, const char *path) {
    return path + (strncmp(path, probe->root, strlen(probe->root)) ? 0 : strlen(probe->root));
}

static const char *option(const struct statvfs *info, unsigned long flag, const char *text) { return info->f_flag & flag ? text : ""; }

static void tell_number(struct eq_probe *probe, const char *name, const char *what, unsigned long long value) {
    char key[32];
    snprintf(key, sizeof key, "%s.%s", name, what);
    eq_probe_tell(probe, key, "%llu", value);
}

static void tell_text(struct eq_probe *probe, const char *name, const char *what, const char *value) {
    char key[32];
    snprintf(key, sizeof key, "%s.%s", name, what);
    eq_probe_tell(probe, key, "%s", value);
}

static void tell_room(struct eq_probe *probe, const char *name, const struct statvfs *info) {
    char options[64];
    tell_number(probe, name, "total", (unsigned long long)info->f_blocks * info->f_frsize);
    tell_number(probe, name, "free", (unsigned long long)info->f_bavail * info->f_frsize);
    tell_number(probe, name, "block", info->f_frsize);
    if (info->f_files) tell_number(probe, name, "files", info->f_favail);
    snprintf(options, sizeof options, "%s%s%s%s", info->f_flag & ST_RDONLY ? "ro" : "rw", option(info, ST_NOEXEC, " noexec"),
             option(info, ST_NOSUID, " nosuid"), option(info, ST_NODEV, " nodev"));
    tell_text(probe, name, "options", options);
}

/* name: "store" or "agent". */
void eq_probe_place(struct eq_probe *probe, const char *name, const char *folder) {
    char path[EQ_PROBE_PATH];
    struct mount mount = {0};
    struct statvfs info;
    int missing;
    if (!nearest(probe, folder, path, &missing) || statvfs(path, &info)) return;
    mount_of(probe, below_root(probe, path), &mount);
    tell_text(probe, name, "path", folder);
    tell_text(probe, name, "type", mount.type);
    tell_room(probe, name, &info);
    tell_number(probe, name, "missing", (unsigned)missing);
    tell_text(probe, name, "writable", access(path, W_OK | X_OK) ? "no" : "yes");
}

/* Whether somebody holds the lock of the store, which is looked up: to try it would be to take it. */
void eq_probe_lock(struct eq_probe *probe, const char *store) {
    char path[EQ_PROBE_PATH], file[EQ_PROBE_PATH + 8];
    struct mount mount = {0};
    struct stat info;
    int missing, held = 0;
    if (!nearest(probe, store, path, &missing)) return;
    snprintf(file, sizeof file, "%s/.lock", path);
    if (missing || lstat(file, &info)) {
        eq_probe_tell(probe, "store.lock", "none");
        return;
    }
    mount_of(probe, below_root(probe, path), &mount);
    const char *line = eq_probe_text(probe, "/proc/locks");
    if (!line) return;
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        unsigned major, minor;
        unsigned long long inode;
        if (sscanf(line, "%*[0-9]: FLOCK %*s %*s %*d %x:%x:%llu", &major, &minor, &inode) != 3) continue;
        held |= inode == info.st_ino && major == mount.device[0] && minor == mount.device[1];
    }
    eq_probe_tell(probe, "store.lock", held ? "held" : "free");
}
