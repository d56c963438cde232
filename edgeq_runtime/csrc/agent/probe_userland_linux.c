/* The user land that programs of this machine live in: word size, C library, Python. Found in files; nothing is executed. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LIBC = 8 << 20, MAX_SYMLINKS = 16 };

/* A file below the root, with the links of its path followed below the root too; `at` is absolute and changes. 0: there is no such file. */
static int resolve(const struct eq_probe *probe, char at[EQ_PROBE_PATH], char out[EQ_PROBE_PATH]) {
    char link[EQ_PROBE_PATH];
    int links = 0;
    for (size_t done = 0; at[done];) { /* bytes of `at` that hold no link */
        size_t end = done + strspn(at + done, "/");
        end += strcspn(at + end, "/");
        const char after = at[end];
        at[end] = 0;
        ssize_t n = eq_probe_path(probe, out, "%s", at) ? readlink(out, link, sizeof link - 1) : -1;
        at[end] = after;
        if (n < 0) {
            done = end;
            continue;
        }
        link[n] = 0;
        int size = link[0] == '/' ? snprintf(out, EQ_PROBE_PATH, "%s%s", link, at + end)
                                  : snprintf(out, EQ_PROBE_PATH, "%.*s/%s%s", (int)done, at, link, at + end);
        if (++links > MAX_SYMLINKS || size < 0 || size >= EQ_PROBE_PATH) return 0;
        memcpy(at, out, (size_t)size + 1);
        done = 0;
    }
    return eq_probe_path(probe, out, "%s", at) && access(out, F_OK) == 0;
}

/* 32 or 64 of an ELF file, 0 of another; interpreter: its loader, empty where it has none. */
static int elf(const char *path, char *interpreter, size_t room) {
    unsigned char head[4096];
    long size = eq_probe_read(path, (char *)head, sizeof head);
    interpreter[0] = 0;
    if (size < 64 || memcmp(head, "\177ELF", 4) || head[5] != 1) return 0;
    const int wide = head[4] == 2;
    const size_t table = wide ? 32 : 28, sizes = wide ? 54 : 42;
    size_t at = head[table] | (size_t)head[table + 1] << 8, step = head[sizes] | (size_t)head[sizes + 1] << 8;
    size_t count = head[sizes + 2] | (size_t)head[sizes + 3] << 8, field = wide ? 8 : 4;
    for (size_t i = 0; i < count && at + step <= (size_t)size && step >= 32; i++, at += step) {
        if (head[at] != 3 || head[at + 1]) continue; /* PT_INTERP */
        size_t start = head[at + field] | (size_t)head[at + field + 1] << 8;
        if (start < (size_t)size) snprintf(interpreter, room, "%.*s", (int)((size_t)size - start), (const char *)head + start);
    }
    return head[4] == 1 ? 32 : wide ? 64 : 0;
}

/* "2.36" of the text "2.36.\nCopyright". */
static int version_of(const char *text, char *out, size_t room) {
    size_t digits = strspn(text, "0123456789.");
    while (digits && text[digits - 1] == '.') digits--;
    if (digits && digits < 16) snprintf(out, room, "%.*s", (int)digits, text);
    return digits && digits < 16;
}

/* The file says it of itself: "stable release version 2.36." */
static int version_inside(struct eq_probe *probe, const char *path, char *out, size_t room) {
    static const char mark[] = "stable release version ";
    enum { WINDOW = sizeof mark + 32 };
    struct stat info;
    int file = stat(path, &info) || !S_ISREG(info.st_mode) ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), found = 0;
    size_t held = 0;
    ssize_t n = 0;
    for (size_t total = 0; file >= 0 && !found && total < MAX_LIBC; total += (size_t)n) {
        n = read(file, probe->file + held, EQ_PROBE_FILE - held);
        if (n <= 0) break;
        held += (size_t)n;
        const char *hit = memmem(probe->file, held, mark, sizeof mark - 1);
        size_t keep = hit ? held - (size_t)(hit - probe->file) : WINDOW;
        if (hit && keep >= WINDOW) found = version_of(hit + sizeof mark - 1, out, room);
        keep = keep < WINDOW ? keep : WINDOW < held ? WINDOW : held;
        memmove(probe->file, probe->file + held - keep, keep); /* it may go on in the next part */
        held = keep;
    }
    if (file >= 0) close(file);
    return found;
}

static void libc(struct eq_probe *probe, const char *loader) {
    char at[EQ_PROBE_PATH], path[EQ_PROBE_PATH], version[32] = "";
    const char *base = strrchr(loader, '/');
    if (!base || loader[0] != '/') return;
    if (strstr(base, "ld-musl")) eq_probe_tell(probe, "libc.kind", "musl");
    if (strncmp(base, "/ld-linux", 9)) return;
    eq_probe_tell(probe, "libc.kind", "glibc");
    snprintf(at, sizeof at, "%s", loader);
    if (!resolve(probe, at, path)) return;
    char *slash = strrchr(at, '/'); /* the library lies beside its loader */
    snprintf(slash, sizeof at - (size_t)(slash - at), "/libc.so.6");
    if (!resolve(probe, at, path)) return;
    base = strrchr(at, '/');
    if (!version_inside(probe, path, version, sizeof version) && !strncmp(base, "/libc-2.", 8))
        (void)version_of(base + 6, version, sizeof version); /* libc-2.27.so */
    eq_probe_tell(probe, "libc.version", "%s", version);
}

/* python3 is a link to python3.11 everywhere but in self-built places: there the version stays unknown. */
static void python(struct eq_probe *probe) {
    const char *set = getenv("PATH"), *folder = set && !*probe->root ? set : "/usr/local/bin:/usr/bin:/bin";
    char at[EQ_PROBE_PATH], path[EQ_PROBE_PATH], loader[EQ_PROBE_LINE];
    for (int i = 0; i < 32 && *folder; i++) {
        size_t n = strcspn(folder, ":");
        int fits = n && n < 512 && folder[0] == '/' && snprintf(at, sizeof at, "%.*s/python3", (int)n, folder) > 0;
        folder += n + (folder[n] == ':');
        if (!fits || !resolve(probe, at, path)) continue;
        int bits = elf(path, loader, sizeof loader);
        if (!bits) continue;
        const char *name = strrchr(at, '/');
        eq_probe_tell(probe, "python.bits", "%d", bits);
        if (!strncmp(name, "/python3.", 9)) eq_probe_tell(probe, "python.version", "%.*s", (int)strspn(name + 7, "0123456789."), name + 7);
        return;
    }
}

void eq_probe_userland(struct eq_probe *probe) {
    char at[EQ_PROBE_PATH] = "/bin/sh", path[EQ_PROBE_PATH], loader[EQ_PROBE_LINE];
    int bits = resolve(probe, at, path) ? elf(path, loader, sizeof loader) : 0;
    if (bits) {
        eq_probe_tell(probe, "userland.bits", "%d", bits);
        libc(probe, loader);
    }
    python(probe);
}
