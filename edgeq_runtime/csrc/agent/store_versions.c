/* What happens to versions that are there: back to one, removal, how many stay. The order of the syncs is the promise. */
#include "eq_store.h"
#include <string.h>

/* A record is small: where the disk is full the room of unfinished uploads is enough. */
static int make_room_and_switch(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *fresh,
                                const struct eq_store_state *old) {
    int err = eq_store_switch(ops, name, fresh, old);
    if (err != EQ_FAULT_full) return err;
    eq_store_tidy(ops, "");
    return eq_store_switch(ops, name, fresh, old);
}

/* The switch, then the files that only the old record names go; one that stays behind is removed at the next install. */
static int change(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *fresh, const struct eq_store_state *old) {
    char path[EQ_STORE_PATH];
    int err = make_room_and_switch(ops, name, fresh, old);
    for (uint32_t i = 0; !err && i < old->count; i++) {
        uint32_t version = old->versions[i].version;
        if (eq_store_find(fresh, version) == fresh->count && !eq_store_path(path, name, version)) (void)ops->unlink(ops->context, path);
    }
    return err;
}

static int rollback_locked(const struct eq_store_ops *ops, const char *name, uint32_t version, eq_store_health health, void *context,
                           struct eq_store_state *state, int32_t *detail) {
    char path[EQ_STORE_PATH];
    struct eq_store_state old;
    int err = eq_store_read(ops, name, &old);
    if (err) return err;
    uint32_t at = version ? eq_store_find(&old, version) : 1;
    if (at >= old.count) return version ? EQ_FAULT_missing : EQ_FAULT_no_previous;
    if (at == 0) return EQ_FAULT_is_current;
    *state = old;
    state->versions[0] = old.versions[at];
    memcpy(&state->versions[1], &old.versions[0], at * sizeof old.versions[0]);
    if (eq_store_damaged(ops, name, &state->versions[1])) eq_store_take_out(state, 1);
    err = eq_store_path(path, name, old.versions[at].version);
    if (!err) err = eq_store_verify(ops, path, &old.versions[at], health, context, detail);
    return err ? err : change(ops, name, state, &old);
}

int eq_store_rollback(const struct eq_store_ops *ops, const char *name, uint32_t version, eq_store_health health, void *context,
                      struct eq_store_state *state) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = ops->lock(ops->context);
    if (err) return err;
    int32_t detail = 0;
    err = rollback_locked(ops, name, version, health, context, state, &detail);
    if (err) eq_store_note_unless_absent(ops, name, EQ_EVENT_rollback_failed, version, err, detail);
    else eq_store_note(ops, name, EQ_EVENT_rolled_back, &state->versions[0], 0, 0);
    ops->unlock(ops->context);
    return err;
}

static int keep_locked(const struct eq_store_ops *ops, const char *name, uint32_t keep, struct eq_store_state *state) {
    int err = eq_store_read(ops, name, state);
    if (err || state->keep == keep) return err;
    struct eq_store_state old = *state;
    state->keep = keep;
    while (state->count > keep) eq_store_take_out(state, state->count - 1);
    err = change(ops, name, state, &old);
    for (uint32_t i = keep; i < old.count; i++)
        eq_store_note(ops, name, err ? EQ_EVENT_remove_failed : EQ_EVENT_removed, &old.versions[i], err, 0);
    return err;
}

int eq_store_keep(const struct eq_store_ops *ops, const char *name, uint32_t keep, struct eq_store_state *state) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    if (keep < 1 || keep > EQ_STORE_VERSIONS) return EQ_FAULT_argument;
    if (!eq_store_read(ops, name, state) && state->keep == keep) return 0; /* also where the store cannot be changed */
    int err = ops->lock(ops->context);
    if (err) return err;
    err = keep_locked(ops, name, keep, state);
    ops->unlock(ops->context);
    return err;
}

static int remove_one(const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct eq_store_state old, fresh;
    int err = eq_store_read(ops, name, &old);
    if (err) return err;
    uint32_t at = eq_store_find(&old, version);
    if (at == old.count) return EQ_FAULT_missing;
    if (at == 0) return EQ_FAULT_is_current;
    fresh = old;
    eq_store_take_out(&fresh, at);
    return change(ops, name, &fresh, &old);
}

/* The record goes first: a cut leaves the whole model or none. What was ever committed with a signature is not forgotten: a damaged record
 * goes only where the second place of the counter can be read. */
static int remove_all(const struct eq_store_ops *ops, const char *name) {
    struct eq_store_state old, none = {0};
    uint64_t bytes;
    uint32_t unfinished = eq_store_unfinished(ops, name, &bytes);
    int found = eq_store_read(ops, name, &old), err = 0;
    if (found == EQ_FAULT_missing && !unfinished) return found;
    if (found && found != EQ_FAULT_missing) err = eq_store_counter(ops, name, &none);
    else if (old.counter) none = old;
    if (err) return err;
    none.count = 0;
    memset(none.versions, 0, sizeof none.versions);
    if (!found && old.counter) err = make_room_and_switch(ops, name, &none, &old);
    else if (found != EQ_FAULT_missing) err = eq_store_forget(ops, name);
    if (!err) err = eq_store_clean(ops, name, &none, "");
    if (!err) (void)ops->rmdir(ops->context, name); /* stays where the counter, or somebody else's files, are in it */
    return err;
}

int eq_store_remove(const struct eq_store_ops *ops, const char *name, uint32_t version) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = ops->lock(ops->context);
    if (err) return err;
    err = version ? remove_one(ops, name, version) : remove_all(ops, name);
    eq_store_note_unless_absent(ops, name, err ? EQ_EVENT_remove_failed : EQ_EVENT_removed, version, err, 0);
    ops->unlock(ops->context);
    return err;
}
