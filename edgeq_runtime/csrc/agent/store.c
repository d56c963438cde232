/* What is installed: names, state records, applications that open a model. */
#include "../eq_hash.h"
#include "eq_frame.h"
#include "eq_store.h"
#include <string.h>

static const char magic[8] = {'E', 'Q', 'S', 'T', 'A', 'T', 'E', '1'};

static int letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

int eq_store_name_ok(const char *name) {
    size_t n = 0;
    for (; name[n]; n++)
        if (n + 1 >= EQ_STORE_NAME || !(letter(name[n]) || (n && strchr("._-", name[n])))) return 0;
    return n > 0;
}

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

static uint8_t *put_version(uint8_t *p, const struct eq_store_version *v) {
    eq_store_u32(p, v->version);
    eq_store_u32(p + 4, (uint32_t)v->size);
    eq_store_u32(p + 8, (uint32_t)(v->size >> 32));
    memcpy(p + 12, v->sha256, 32);
    return p + 44;
}

static const uint8_t *take_version(const uint8_t *p, struct eq_store_version *v) {
    v->version = eq_load_u32(p);
    v->size = eq_load_u32(p + 4) | (uint64_t)eq_load_u32(p + 8) << 32;
    memcpy(v->sha256, p + 12, 32);
    return p + 44;
}

int eq_store_write_state(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state) {
    char fresh[EQ_STORE_PATH], path[EQ_STORE_PATH];
    uint8_t record[EQ_STORE_RECORD];
    memcpy(record, magic, 8);
    eq_store_u32(record + 8, state->next);
    put_version(put_version(record + 12, &state->current), &state->previous);
    eq_store_u32(record + EQ_STORE_RECORD - 4, eq_crc32c(0, record, EQ_STORE_RECORD - 4));
    int err = eq_store_join(fresh, name, "state.new");
    if (!err) err = eq_store_join(path, name, "state");
    if (err) return err;
    err = ops->unlink(ops->context, fresh);
    if (err && err != EQ_FAULT_missing) return err;
    int file = ops->open(ops->context, fresh);
    if (file < 0) return -file;
    err = ops->write(ops->context, file, record, sizeof record);
    if (!err) err = ops->fsync(ops->context, file);
    int closed = ops->close(ops->context, file);
    if (!err) err = closed;
    if (!err) err = ops->rename(ops->context, fresh, path);
    return err ? err : ops->fsync_dir(ops->context, name);
}

int eq_store_read(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    char path[EQ_STORE_PATH];
    const void *data;
    size_t size;
    memset(state, 0, sizeof *state);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = eq_store_join(path, name, "state");
    if (!err) err = ops->map(ops->context, path, &data, &size);
    if (err) return err;
    const uint8_t *record = data;
    err = EQ_FAULT_corrupt;
    if (size == EQ_STORE_RECORD && memcmp(record, magic, 8) == 0 &&
        eq_crc32c(0, record, EQ_STORE_RECORD - 4) == eq_load_u32(record + EQ_STORE_RECORD - 4)) {
        state->next = eq_load_u32(record + 8);
        take_version(take_version(record + 12, &state->current), &state->previous);
        err = 0;
    }
    ops->unmap(ops->context, data, size);
    return err;
}

int eq_store_name(const struct eq_store_ops *ops, uint32_t index, char *name, size_t room) {
    struct eq_store_state state;
    for (uint32_t i = 0;; i++) {
        int err = ops->list(ops->context, "", i, name, room);
        if (err) return err;
        /* A folder without a record is an upload that never became a model. */
        if (!eq_store_name_ok(name) || eq_store_read(ops, name, &state) == EQ_FAULT_missing) continue;
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
        const struct eq_store_version *v = &state.current;
        if (version && version == state.previous.version) v = &state.previous;
        if (version && version != v->version) return EQ_FAULT_missing;
        model->version = *v;
        err = eq_store_path(path, name, v->version);
        if (!err) err = ops->map(ops->context, path, &model->data, &model->size);
    }
    if (err) return err;
    model->ops = ops;
    memcpy(model->name, name, strlen(name) + 1);
    return 0;
}

int eq_store_refresh(const struct eq_store_model *model, struct eq_store_model *fresh, int *changed) {
    struct eq_store_state state;
    *changed = 0;
    int err = eq_store_read(model->ops, model->name, &state);
    if (err) return err;
    /* The number alone does not tell: after a removal they count from 1 again. */
    const struct eq_store_version *now = &state.current, *have = &model->version;
    if (now->version == have->version && now->size == have->size && !memcmp(now->sha256, have->sha256, 32)) return 0;
    err = eq_store_open(fresh, model->ops, model->name, 0);
    *changed = !err;
    return err;
}

void eq_store_close(struct eq_store_model *model) {
    if (model->data) model->ops->unmap(model->ops->context, model->data, model->size);
    memset(model, 0, sizeof *model);
}
