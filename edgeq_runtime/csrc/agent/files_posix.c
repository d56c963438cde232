/* The store's file operations on a POSIX system. */
#define _GNU_SOURCE
#include "eq_store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define FULL_PATH (3072 + EQ_STORE_PATH)

static int fault(void) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return EQ_FAULT_missing;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return EQ_FAULT_full;
    case ELOOP:
        return EQ_FAULT_foreign;
    case EACCES:
    case EPERM:
        return EQ_FAULT_denied;
    case EROFS:
        return EQ_FAULT_read_only;
    default:
        return EQ_FAULT_io;
    }
}

static const char *full(char out[FULL_PATH], void *context, const char *path) {
    const char *root = ((struct eq_store_files *)context)->root;
    size_t n = strlen(root), m = strlen(path);
    memcpy(out, root, n);
    out[n] = '/';
    memcpy(out + n + 1, path, m + 1);
    return out;
}

/* A folder: "" the root, which may be reached over links, else one of a model, which may not. A handle, or minus a fault. */
static int open_folder(void *context, const char *name) {
    char p[FULL_PATH];
    struct stat info;
    if (*name && !eq_store_name_ok(name)) return -EQ_FAULT_name;
    int root = open(full(p, context, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return errno == ENOTDIR || errno == ELOOP ? -EQ_FAULT_no_store : -fault();
    if (!*name) return root;
    int folder = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), err = folder < 0 ? fault() : 0;
    if (err && !fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) && S_ISLNK(info.st_mode)) err = EQ_FAULT_foreign;
    close(root);
    return err ? -err : folder;
}

/* The folder of what `path` names, and its name there. */
static int open_parent(void *context, const char *path, const char **name) {
    char folder[EQ_STORE_NAME];
    const char *slash = strchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder || (slash && strchr(slash + 1, '/'))) return -EQ_FAULT_name;
    memcpy(folder, path, n);
    folder[n] = 0;
    *name = slash ? slash + 1 : path;
    return open_folder(context, folder);
}

static int plain(int file) {
    struct stat info;
    if (fstat(file, &info)) return fault();
    return S_ISREG(info.st_mode) ? 0 : EQ_FAULT_foreign;
}

/* The store's own files: what is no plain file is refused, and does not keep the caller waiting. */
static int open_plain(void *context, const char *path, int flags) {
    const char *name;
    int folder = open_parent(context, path, &name);
    if (folder < 0) return folder;
    int file = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666), err = file < 0 ? fault() : plain(file);
    if (file < 0 && (errno == ENXIO || errno == EISDIR)) err = EQ_FAULT_foreign;
    close(folder);
    if (err && file >= 0) close(file);
    return err ? -err : file;
}

static int sync_folder(const char *path) {
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return fault();
    int err = fsync(dir) ? fault() : 0;
    close(dir);
    return err;
}

/* The root and what is above it, each made durable in its own parent. */
static int make_root(const char *root) {
    char path[3072];
    strcpy(path, root);
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p) continue;
        char end = *p;
        *p = 0;
        if (mkdir(path, 0777) == 0) {
            char *slash = strrchr(path, '/');
            int err = 0;
            if (slash && slash != path) *slash = 0, err = sync_folder(path), *slash = '/';
            if (err) return err;
        } else if (errno != EEXIST) {
            int err = fault();
            return err == EQ_FAULT_missing ? EQ_FAULT_no_store : err;
        }
        if (!end) return 0;
        *p = end;
    }
}

static int do_open(void *context, const char *path) { return open_plain(context, path, O_WRONLY | O_CREAT | O_APPEND); }

static int do_write(void *context, int file, const void *data, size_t size) {
    const char *p = data;
    (void)context;
    while (size) {
        ssize_t n = write(file, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fault();
        p += n, size -= (size_t)n;
    }
    return 0;
}

static int do_fsync(void *context, int file) {
    (void)context;
    return fsync(file) ? fault() : 0;
}

static int do_close(void *context, int file) {
    (void)context;
    return close(file) ? fault() : 0;
}

static int do_rename(void *context, const char *from, const char *to) {
    const char *a, *b;
    int old = open_parent(context, from, &a);
    if (old < 0) return -old;
    int fresh = open_parent(context, to, &b), err = fresh < 0 ? -fresh : renameat(old, a, fresh, b) ? fault() : 0;
    close(old);
    if (fresh >= 0) close(fresh);
    return err;
}

static int take_away(void *context, const char *path, int flags) {
    const char *name;
    int folder = open_parent(context, path, &name);
    if (folder < 0) return -folder;
    int err = unlinkat(folder, name, flags) ? fault() : 0;
    close(folder);
    return err;
}

static int do_unlink(void *context, const char *path) { return take_away(context, path, 0); }
static int do_rmdir(void *context, const char *path) { return take_away(context, path, AT_REMOVEDIR); }

static int do_mkdir(void *context, const char *path) {
    int root = eq_store_name_ok(path) ? open_folder(context, "") : -EQ_FAULT_name;
    if (root < 0) return -root;
    int err = mkdirat(root, path, 0777) && errno != EEXIST ? fault() : 0;
    close(root);
    if (err) return err;
    int folder = open_folder(context, path);
    if (folder >= 0) close(folder);
    return folder == -EQ_FAULT_missing ? EQ_FAULT_foreign : folder < 0 ? -folder : 0;
}

static int do_fsync_dir(void *context, const char *path) {
    int folder = open_folder(context, path);
    if (folder < 0) return -folder;
    int err = fsync(folder) ? fault() : 0;
    close(folder);
    return err;
}

static int do_list(void *context, const char *path, uint32_t index, char *name, size_t room) {
    int folder = open_folder(context, path);
    if (folder < 0) return -folder;
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return EQ_FAULT_memory;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        size_t size = strlen(entry->d_name) + 1;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || size > room || index--) continue;
        memcpy(name, entry->d_name, size);
        closedir(dir);
        return 0;
    }
    closedir(dir);
    return EQ_FAULT_missing;
}

static int do_map(void *context, const char *path, const void **data, size_t *size) {
    struct stat info;
    int file = open_plain(context, path, O_RDONLY);
    if (file < 0) return -file;
    int err = fstat(file, &info) ? fault() : 0;
    *size = err ? 0 : (size_t)info.st_size;
    *data = "";
    if (*size) {
        void *bytes = mmap(NULL, *size, PROT_READ, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED) err = fault();
        *data = bytes;
    }
    close(file);
    return err;
}

static void do_unmap(void *context, const void *data, size_t size) {
    (void)context;
    if (size) munmap((void *)(uintptr_t)data, size);
}

static int do_lock(void *context) {
    struct eq_store_files *files = context;
    int err = make_root(files->root);
    if (err) return err;
    int file = open_plain(context, ".lock", O_RDWR | O_CREAT);
    if (file < 0) return -file;
    if (flock(file, LOCK_EX | LOCK_NB)) {
        err = errno == EWOULDBLOCK ? EQ_FAULT_busy : fault();
        close(file);
        return err;
    }
    files->lock = file;
    return 0;
}

static void do_unlock(void *context) {
    struct eq_store_files *files = context;
    if (files->lock >= 0) close(files->lock);
    files->lock = -1;
}

/* Of the nearest folder that exists: the root may not be made yet. */
static uint64_t do_free_bytes(void *context) {
    char path[FULL_PATH];
    struct statvfs info;
    full(path, context, "");
    while (statvfs(path, &info)) {
        char *slash = strrchr(path, '/');
        if (!slash) return statvfs(".", &info) ? 0 : (uint64_t)info.f_bavail * info.f_frsize;
        slash[slash == path] = 0;
        if (!strcmp(path, "/")) return statvfs(path, &info) ? 0 : (uint64_t)info.f_bavail * info.f_frsize;
    }
    return (uint64_t)info.f_bavail * info.f_frsize;
}

static uint64_t do_time_ms(void *context) {
    struct timespec now;
    (void)context;
    return clock_gettime(CLOCK_REALTIME, &now) || now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

const struct eq_store_ops *eq_store_files_init(struct eq_store_files *files, const char *root) {
    if (!*root || strlen(root) > 3000) return NULL;
    strcpy(files->root, root);
    files->lock = -1;
    files->ops = (struct eq_store_ops){files,        do_open, do_write, do_fsync, do_close, do_rename, do_unlink,     do_mkdir,  do_rmdir,
                                       do_fsync_dir, do_list, do_map,   do_unmap, do_lock,  do_unlock, do_free_bytes, do_time_ms};
    return &files->ops;
}

static int join_root(char *root, size_t room, const char *base, const char *rest) {
    size_t n = base ? strlen(base) : 0, m = strlen(rest);
    if (n == 0 || n + m + 1 > room) return 0;
    memcpy(root, base, n);
    memcpy(root + n, rest, m + 1);
    return 1;
}

int eq_store_default_root(char *root, size_t room) {
    if (join_root(root, room, getenv("EDGEQ_STORE"), "")) return 0;
    if (join_root(root, room, getenv("XDG_DATA_HOME"), "/edgeq/local")) return 0;
    return join_root(root, room, getenv("HOME"), "/.local/share/edgeq/local") ? 0 : EQ_FAULT_argument;
}
