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
    case EACCES:
    case EPERM:
    case EROFS:
        return EQ_FAULT_denied;
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

/* The fault of a path below the root: where the root is no folder, that is why it is missing. */
static int fault_below(void *context) {
    char p[FULL_PATH];
    struct stat info;
    int err = fault();
    if (err != EQ_FAULT_missing || errno != ENOTDIR) return err;
    return stat(full(p, context, ""), &info) && errno == ENOTDIR ? EQ_FAULT_no_store : err;
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

static int do_open(void *context, const char *path) {
    char p[FULL_PATH];
    int file = open(full(p, context, path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    return file < 0 ? -fault() : file;
}

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
    char a[FULL_PATH], b[FULL_PATH];
    return rename(full(a, context, from), full(b, context, to)) ? fault() : 0;
}

static int do_unlink(void *context, const char *path) {
    char p[FULL_PATH];
    return unlink(full(p, context, path)) ? fault() : 0;
}

static int do_mkdir(void *context, const char *path) {
    char p[FULL_PATH];
    return mkdir(full(p, context, path), 0777) && errno != EEXIST ? fault() : 0;
}

static int do_rmdir(void *context, const char *path) {
    char p[FULL_PATH];
    return rmdir(full(p, context, path)) ? fault() : 0;
}

static int do_fsync_dir(void *context, const char *path) {
    char p[FULL_PATH];
    return sync_folder(full(p, context, path));
}

static int do_list(void *context, const char *path, uint32_t index, char *name, size_t room) {
    char p[FULL_PATH];
    DIR *dir = opendir(full(p, context, path));
    if (!dir) return fault_below(context);
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
    char p[FULL_PATH];
    struct stat info;
    int file = open(full(p, context, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return fault_below(context);
    int err = fstat(file, &info) ? fault() : S_ISREG(info.st_mode) ? 0 : EQ_FAULT_corrupt;
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
    char p[FULL_PATH];
    int err = make_root(files->root);
    if (err) return err;
    int file = open(full(p, context, ".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return fault_below(context);
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

const struct eq_store_ops *eq_store_files_init(struct eq_store_files *files, const char *root) {
    if (!*root || strlen(root) > 3000) return NULL;
    strcpy(files->root, root);
    files->lock = -1;
    files->ops = (struct eq_store_ops){files,    do_open,      do_write, do_fsync, do_close, do_rename, do_unlink, do_mkdir,
                                       do_rmdir, do_fsync_dir, do_list,  do_map,   do_unmap, do_lock,   do_unlock, do_free_bytes};
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
