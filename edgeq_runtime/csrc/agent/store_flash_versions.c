/* What happens to versions on flash that are there: back to one, removal, how many stay. Each is one record. */
#include "eq_flash.h"
#include <string.h>

static struct eq_store_version about(const struct eq_flash_state *state, uint32_t at) {
    struct eq_store_version version = {state->versions[at].version, 0, {0}};
    memcpy(version.sha256, state->versions[at].sha256, 32);
    return version;
}

static uint32_t find(const struct eq_flash_state *state, uint32_t version) {
    uint32_t i = 0;
    while (i < state->count && state->versions[i].version != version) i++;
    return i;
}

static int sound(const struct eq_flash_store *store, const struct eq_flash_version *v) {
    return eq_flash_sound(store, v->first, v->size, v->sha256);
}

/* What names nothing that is here did nothing. */
static void note_unless_absent(const struct eq_store_ops *ops, const char *name, int event, uint32_t version, int fault, int32_t detail) {
    struct eq_store_version what = {version, 0, {0}};
    if (fault != EQ_FAULT_missing && fault != EQ_FAULT_is_current && fault != EQ_FAULT_no_previous)
        eq_store_note(ops, name, event, &what, fault, detail);
}

static int rollback_locked(struct eq_flash_store *store, const char *name, uint32_t version, eq_store_health health, void *context,
                           int32_t *detail) {
    struct eq_flash_state state;
    int err = eq_flash_state(store, name, &state);
    if (err) return err;
    uint32_t at = version ? find(&state, version) : 1;
    if (at >= state.count) return version ? EQ_FAULT_missing : EQ_FAULT_no_previous;
    if (at == 0) return EQ_FAULT_is_current;
    struct eq_flash_version wanted = state.versions[at];
    memmove(&state.versions[1], &state.versions[0], at * sizeof wanted);
    state.versions[0] = wanted;
    if (!sound(store, &state.versions[1])) eq_flash_take_out(&state, 1);
    err = sound(store, &wanted) ? 0 : EQ_FAULT_corrupt;
    if (!err && health) err = health(context, store->flash->base + wanted.first, wanted.size, detail);
    return err ? err : eq_flash_append_state(store, &state);
}

int eq_store_rollback(const struct eq_store_ops *ops, const char *name, uint32_t version, eq_store_health health, void *context,
                      struct eq_store_state *state) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = ops->lock(ops->context);
    if (err) return err;
    int32_t detail = 0;
    err = rollback_locked(eq_flash_of(ops), name, version, health, context, &detail);
    if (!err) err = eq_store_read(ops, name, state);
    if (err) note_unless_absent(ops, name, EQ_EVENT_rollback_failed, version, err, detail);
    else eq_store_note(ops, name, EQ_EVENT_rolled_back, &state->versions[0], 0, 0);
    ops->unlock(ops->context);
    return err;
}

static int keep_locked(struct eq_flash_store *store, const char *name, uint32_t keep) {
    struct eq_flash_state state;
    int err = eq_flash_state(store, name, &state);
    if (err || state.keep == keep) return err;
    uint32_t before = state.count;
    state.keep = (uint8_t)keep;
    if (state.count > keep) state.count = (uint8_t)keep;
    err = eq_flash_append_state(store, &state);
    for (uint32_t i = keep; i < before; i++) {
        struct eq_store_version gone = about(&state, i); /* it is out of the count, but still there */
        eq_store_note(&store->ops, name, err ? EQ_EVENT_remove_failed : EQ_EVENT_removed, &gone, err, 0);
    }
    return err;
}

int eq_store_keep(const struct eq_store_ops *ops, const char *name, uint32_t keep, struct eq_store_state *state) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    if (keep < 1 || keep > EQ_STORE_VERSIONS) return EQ_FAULT_argument;
    int err = ops->lock(ops->context);
    if (err) return err;
    err = keep_locked(eq_flash_of(ops), name, keep);
    if (!err) err = eq_store_read(ops, name, state);
    ops->unlock(ops->context);
    return err;
}

static int remove_one(struct eq_flash_store *store, struct eq_flash_state *state, uint32_t version) {
    uint32_t at = find(state, version);
    if (at == state->count) return EQ_FAULT_missing;
    if (at == 0) return EQ_FAULT_is_current;
    eq_flash_take_out(state, at);
    return eq_flash_append_state(store, state);
}

/* What was ever committed with a signature is not forgotten: the counter stays, and the numbers go on with it. */
static int remove_all(struct eq_flash_store *store, struct eq_flash_state *state) {
    const struct eq_flash_upload *upload = eq_flash_upload(store);
    uint64_t bytes;
    int unfinished = eq_store_unfinished(&store->ops, state->name, &bytes) != 0, err = 0;
    if (!state->count && !unfinished) return EQ_FAULT_missing;
    if (state->count) {
        state->count = 0;
        err = eq_flash_append_state(store, state);
    }
    if (!err && upload && !strcmp(upload->name, state->name)) err = eq_flash_forget_upload(store);
    return err;
}

int eq_store_remove(const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct eq_flash_store *store = eq_flash_of(ops);
    struct eq_flash_state state;
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = ops->lock(ops->context);
    if (err) return err;
    err = eq_flash_state(store, name, &state);
    if (!err || err == EQ_FAULT_missing) err = version ? remove_one(store, &state, version) : remove_all(store, &state);
    note_unless_absent(ops, name, err ? EQ_EVENT_remove_failed : EQ_EVENT_removed, version, err, 0);
    ops->unlock(ops->context);
    return err;
}
