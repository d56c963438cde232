/* What happens to versions on flash that are there: back to one, removal, how many stay. Each is one record. */
#include "eq_flash.h"
#include <string.h>

/* number: of a version, or of versions. done, failed: events. */
struct change {
    uint32_t number;
    int done, failed;
    eq_store_health health;
    void *context;
    int32_t detail;
    struct eq_flash_state *to; /* as it is, then as it will be */
};

/* edit: 0, a fault, or -1 where there is nothing to record. */
static int run(const struct eq_store_ops *ops, const char *name, struct change *c, int (*edit)(struct eq_flash_store *, struct change *)) {
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = ops->lock(ops->context);
    if (err) return err;
    err = eq_flash_load(ops, name, c->to);
    if (!err || err == EQ_FAULT_missing) err = edit(eq_flash_of(ops), c);
    if (!err) err = eq_flash_append_state(eq_flash_of(ops), c->to);
    if (err > 0) eq_store_note_unless_absent(ops, name, c->failed, c->done ? c->number : 0, err, c->detail);
    else if (c->done == EQ_EVENT_rolled_back) eq_store_note(ops, name, c->done, c->to->s.versions, 0, 0);
    else if (c->done) eq_store_note_unless_absent(ops, name, c->done, c->number, 0, 0);
    ops->unlock(ops->context);
    return err > 0 ? err : 0;
}

static int back(struct eq_flash_store *store, struct change *c) {
    struct eq_store_state *s = &c->to->s;
    if (!s->count) return EQ_FAULT_missing;
    uint32_t at = c->number ? eq_store_find(s, c->number) : 1;
    if (at >= s->count) return c->number ? EQ_FAULT_missing : EQ_FAULT_no_previous;
    if (at == 0) return EQ_FAULT_is_current;
    struct eq_store_version wanted = s->versions[at];
    memmove(&s->versions[1], &s->versions[0], at * sizeof wanted);
    s->versions[0] = wanted;
    if (!eq_flash_sound(store, &s->versions[1])) eq_store_take_out(s, 1);
    if (!eq_flash_sound(store, &wanted)) return EQ_FAULT_corrupt;
    return c->health(c->context, store->flash->base + wanted.place, (size_t)wanted.size, &c->detail);
}

int eq_store_rollback(const struct eq_store_ops *ops, const char *name, uint32_t version, eq_store_health health, void *context,
                      struct eq_store_state *state) {
    struct change c = {version, EQ_EVENT_rolled_back, EQ_EVENT_rollback_failed, health, context, 0, &eq_flash_of(ops)->edit};
    int err = run(ops, name, &c, back);
    *state = c.to->s;
    return err;
}

static int keep_fewer(struct eq_flash_store *store, struct change *c) {
    struct eq_store_state *s = &c->to->s;
    if (!s->count) return EQ_FAULT_missing;
    if (s->keep == c->number) return -1;
    uint32_t before = s->count;
    s->keep = c->number;
    if (s->count > s->keep) s->count = s->keep;
    int err = eq_flash_append_state(store, c->to);
    for (uint32_t i = s->keep; !err && i < before; i++) /* out of the count, but still there */
        eq_store_note(&store->ops, c->to->name, EQ_EVENT_removed, &s->versions[i], 0, 0);
    return err ? err : -1;
}

int eq_store_keep(const struct eq_store_ops *ops, const char *name, uint32_t keep, struct eq_store_state *state) {
    struct change c = {keep, 0, EQ_EVENT_remove_failed, NULL, NULL, 0, &eq_flash_of(ops)->edit};
    int err = keep < 1 || keep > EQ_STORE_VERSIONS ? EQ_FAULT_argument : run(ops, name, &c, keep_fewer);
    *state = c.to->s;
    return err;
}

/* Of a model: what was ever committed with a signature is not forgotten; the counter stays, and the numbers go on with it. */
static int take_away(struct eq_flash_store *store, struct change *c) {
    struct eq_store_state *s = &c->to->s;
    if (c->number) {
        uint32_t at = eq_store_find(s, c->number);
        if (at == 0 && s->count) return EQ_FAULT_is_current;
        if (at == s->count) return EQ_FAULT_missing;
        eq_store_take_out(s, at);
        return 0;
    }
    uint64_t bytes;
    uint32_t unfinished = eq_store_unfinished(&store->ops, c->to->name, &bytes);
    if (!s->count && !unfinished) return EQ_FAULT_missing;
    int err = unfinished ? eq_flash_forget_upload(store) : 0;
    if (!s->count) return err ? err : -1;
    s->count = 0;
    return err;
}

int eq_store_remove(const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct change c = {version, EQ_EVENT_removed, EQ_EVENT_remove_failed, NULL, NULL, 0, &eq_flash_of(ops)->edit};
    return run(ops, name, &c, take_away);
}
