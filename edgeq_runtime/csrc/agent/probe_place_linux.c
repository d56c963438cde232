/* The disk that a folder lies on. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The folder itself, or the nearest above it that is there, without links. */
static int nearest(const struct eq_probe *probe, const char *folder, char out[EQ_PROBE_PATH]) {
    char at[EQ_PROBE_PATH], found[4096];
    int absolute = folder[0] == '/';
    if (!(absolute ? eq_probe_path(probe, at, "%s", folder) : snprintf(at, sizeof at, "./%.900s", folder) > 0)) return 0;
    while (!realpath(at, found)) {
        char *slash = strrchr(at, '/');
        if (!slash || slash == at) return 0;
        *slash = 0;
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

/* The type of the file system whose mount point is the longest beginning of the path; the last of several on one place counts. */
static void type_of(struct eq_probe *probe, const char *path, char *type, size_t room) {
    char point[EQ_PROBE_PATH], kind[64];
    size_t best = 0;
    if (!*path) path = "/";
    const char *line = eq_probe_text(probe, "/proc/self/mountinfo");
    for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *dash = strstr(line, " - ");
        if (!dash || dash > line + strcspn(line, "\n")) continue;
        if (sscanf(line, "%*s %*s %*s %*s %1000s", point) != 1 || sscanf(dash + 3, "%60s", kind) != 1) continue;
        unescape(point);
        size_t n = strcmp(point, "/") ? strlen(point) : 0;
        int inside = !strncmp(path, point, n) && (path[n] == '/' || path[n] == 0);
        if (!inside || n + 1 < best) continue;
        best = n + 1;
        snprintf(type, room, "%s", kind);
    }
}

static const char *option(const struct statvfs *info, unsigned long flag, const char *text) { return info->f_flag & flag ? text : ""; }

/* name: "store" or "agent". */
void eq_probe_place(struct eq_probe *probe, const char *name, const char *folder) {
    char path[EQ_PROBE_PATH], key[32], type[64] = "";
    struct statvfs info;
    if (!nearest(probe, folder, path) || statvfs(path, &info)) return;
    type_of(probe, path + (strncmp(path, probe->root, strlen(probe->root)) ? 0 : strlen(probe->root)), type, sizeof type);
    snprintf(key, sizeof key, "%s.path", name);
    eq_probe_tell(probe, key, "%s", folder);
    snprintf(key, sizeof key, "%s.total", name);
    eq_probe_tell(probe, key, "%llu", (unsigned long long)info.f_blocks * info.f_frsize);
    snprintf(key, sizeof key, "%s.free", name);
    eq_probe_tell(probe, key, "%llu", (unsigned long long)info.f_bavail * info.f_frsize);
    snprintf(key, sizeof key, "%s.type", name);
    eq_probe_tell(probe, key, "%s", type);
    snprintf(key, sizeof key, "%s.options", name);
    eq_probe_tell(probe, key, "%s%s%s%s", info.f_flag & ST_RDONLY ? "ro" : "rw", option(&info, ST_NOEXEC, " noexec"),
                  option(&info, ST_NOSUID, " nosuid"), option(&info, ST_NODEV, " nodev"));
    snprintf(key, sizeof key, "%s.writable", name);
    eq_probe_tell(probe, key, access(path, W_OK | X_OK) ? "no" : "yes");
}
