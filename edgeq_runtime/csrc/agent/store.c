/* What is installed: names, files, applications that open a model. */
#include "eq_store.h"
#include <string.h>

int eq_store_join(char *path, const char *name, const char *file) {
    size_t n = strlen(name), m = strlen(file);
    if (n + m + 2 > EQ_STORE_PATH) return EQ_FAULT_name;
    memcpy(path, name, n);
    path[n] = '/';
    memcpy(path + n + 1, file, m + 1);
    return 0;
}

int eq_store_path(char *path, const char *name, uint32_t version) {
    char file[16], digits[10];
    size_t n = 0, at = 0;
    do digits[n++] = (char)('0' + version % 10);
    while (version /= 10);
    file[at++] = 'v';
    while (n) file[at++] = digits[--n];
    memcpy(file + at, ".eqm", 5);
    return eq_store_join(path, name, file);
}

int eq_store_part(char *path, const char *name, const uint8_t sha256[32]) {
    char file[5 + 32 + 1] = "part-";
    for (size_t i = 0; i < 16; i++) {
        file[5 + 2 * i] = "0123456789abcdef"[sha256[i] >> 4];
        file[6 + 2 * i] = "0123456789abcdef"[sha256[i] & 15];
    }
    return eq_store_join(path, name, file);
}

int eq_store_is_part(const char *file) { return !strncmp(file, "part-", 5); }

int eq_store_look(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version) {
    char path[EQ_STORE_PATH];
    const void *data;
    size_t size;
    int err = eq_store_path(path, name, version->version);
    if (!err) err = ops->map(ops->context, path, &data, &size);
    if (err) return err;
    ops->unmap(ops->context, data, size);
    return size == version->size ? 0 : EQ_FAULT_corrupt;
}

uint32_t eq_store_unfinished(const struct eq_store_ops *ops, const char *name, uint64_t *bytes) {
    char file[EQ_STORE_NAME], path[EQ_STORE_PATH];
    const void *data;
    size_t size;
    uint32_t count = 0;
    *bytes = 0;
    if (!eq_store_name_ok(name)) return 0;
    for (uint32_t i = 0; !ops->list(ops->context, name, i, file, sizeof file); i++) {
        if (!eq_store_is_part(file) || eq_store_join(path, name, file) || ops->map(ops->context, path, &data, &size)) continue;
        ops->unmap(ops->context, data, size);
        *bytes += size;
        count++;
    }
    return count;
}

uint64_t eq_store_offset(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *wanted) {
    char path[EQ_STORE_PATH];
    const void *data;
    size_t size;
    if (!eq_store_name_ok(name) || eq_store_part(path, name, wanted->sha256) || ops->map(ops->context, path, &data, &size)) return 0;
    ops->unmap(ops->context, data, size);
    return size <= wanted->size ? size : 0;
}

int eq_store_name(const struct eq_store_ops *ops, uint32_t index, char *name, size_t room) {
    struct eq_store_state state;
    uint64_t bytes;
    for (uint32_t i = 0;; i++) {
        int err = ops->list(ops->context, "", i, name, room);
        if (err) return err;
        if (!eq_store_name_ok(name)) continue;
        if (eq_store_read(ops, name, &state) == EQ_FAULT_missing && !eq_store_unfinished(ops, name, &bytes)) continue;
        if (index-- == 0) return 0;
    }
}

int eq_store_open(struct eq_store_model *model, const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct eq_store_state state;
    char path[EQ_STORE_PATH];
    int err = EQ_FAULT_missing;
    memset(model, 0, sizeof *model);
    /* The version may be replaced and removed between reading the record and mapping the file: look again. */
    for (int tries = 0; tries < 8 && err == EQ_FAULT_missing; tries++) {
        err = eq_store_read(ops, name, &state);
        if (err) return err;
        uint32_t at = version ? eq_store_find(&state, version) : 0;
        if (at == state.count) return EQ_FAULT_missing;
        model->version = state.versions[at];
        err = eq_store_path(path, name, model->version.version);
        if (!err) err = ops->map(ops->context, path, &model->data, &model->size);
    }
    if (err) return err == EQ_FAULT_missing ? EQ_FAULT_corrupt : err; /* the record names a file that is not there */
    model->ops = ops;
    memcpy(model->name, name, strlen(name) + 1);
    return 0;
}

void eq_store_close(struct eq_store_model *model) {
    if (model->data) model->ops->unmap(model->ops->context, model->data, model->size);
    memset(model, 0, sizeof *model);
}
