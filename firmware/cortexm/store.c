/* The store of a chip. eq_flash of the board is plugged in here; without one nothing is installed and nothing can be. */
#include "cortexm.h"

static int refuse(void *context, const char *path) {
    (void)context, (void)path;
    return EQ_FAULT_no_store;
}

static int open_none(void *context, const char *path) { return -refuse(context, path); }

static int write_none(void *context, int file, const void *data, size_t size) {
    (void)file, (void)data, (void)size;
    return refuse(context, NULL);
}

static int file_none(void *context, int file) {
    (void)file;
    return refuse(context, NULL);
}

static int rename_none(void *context, const char *from, const char *to) {
    (void)to;
    return refuse(context, from);
}

static int list_none(void *context, const char *path, uint32_t index, char *name, size_t room) {
    (void)context, (void)path, (void)index, (void)name, (void)room;
    return EQ_FAULT_missing;
}

static int map_none(void *context, const char *path, const void **data, size_t *size) {
    (void)context, (void)path, (void)data, (void)size;
    return EQ_FAULT_missing;
}

static void unmap_none(void *context, const void *data, size_t size) { (void)context, (void)data, (void)size; }

static int lock_none(void *context) { return refuse(context, NULL); }

static void unlock_none(void *context) { (void)context; }

static uint64_t nothing(void *context) {
    (void)context;
    return 0;
}

const struct eq_store_ops *eq_port_store(void) {
    static const struct eq_store_ops none = {NULL,   open_none, write_none, file_none,  file_none, rename_none, refuse,  refuse, refuse,
                                             refuse, list_none, map_none,   unmap_none, lock_none, unlock_none, nothing, nothing};
    return &none;
}
