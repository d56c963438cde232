/* Changes of the store on flash. A change is one record; what it speaks of lies there before it is written. */
#include "eq_flash.h"
#include <string.h>

/* Of an upload at most so many times what has been programmed is recorded: that much of it is sent again after a power cut. */
#define MARKS 8u

static int same_file(const struct eq_flash_version *a, const struct eq_store_version *b) {
    return a->size == b->size && !memcmp(a->sha256, b->sha256, 32);
}

int eq_flash_forget_upload(struct eq_flash_store *store) {
    static const struct eq_flash_upload none;
    store->uploaded = EQ_FLASH_NONE;
    return eq_flash_upload(store) ? eq_flash_append(store, EQ_FLASH_UPLOAD, &none, sizeof none) : 0;
}

static void drop(struct eq_upload *u) {
    (void)eq_flash_forget_upload(eq_flash_of(u->ops));
    u->file = -1;
    u->offset = 0;
}

static void note_failed(const struct eq_upload *u, int fault, int32_t detail) {
    eq_store_note(u->ops, u->name, EQ_EVENT_install_failed, &u->wanted, fault, detail);
}

/* Where the next mark is due: at the end of a sector, an eighth of the file further on, or never. */
static uint32_t next_mark(const struct eq_flash *flash, const struct eq_flash_upload *upload) {
    uint32_t last = upload->first + upload->size, from = upload->first + upload->done + upload->size / MARKS;
    uint32_t end = from < last ? eq_flash_sector_end(flash, from) : last;
    return end < last ? end : last;
}

static void go_on(struct eq_flash_store *store, const struct eq_flash_upload *upload, uint32_t uploaded) {
    store->uploaded = uploaded;
    store->first = upload->first;
    store->mark = next_mark(store->flash, upload);
}

static int start(struct eq_upload *u) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_upload upload = {{0}, (uint32_t)u->wanted.size, 0, 0, {0}};
    struct eq_flash_state state;
    int err = eq_flash_state(store, u->name, &state);
    if (!err || err == EQ_FAULT_missing) err = eq_flash_forget_upload(store); /* before its bytes go */
    if (!err) err = eq_flash_place(store, &state, upload.size, &upload.first);
    if (!err) err = eq_flash_erase(store, upload.first, upload.first + upload.size);
    memcpy(upload.name, u->name, strlen(u->name));
    memcpy(upload.sha256, u->wanted.sha256, 32);
    if (!err) err = eq_flash_append(store, EQ_FLASH_UPLOAD, &upload, sizeof upload);
    if (!err) go_on(store, &upload, 0);
    return err;
}

/* After a start of the program what lies behind the last mark may be torn. */
static int resume(struct eq_upload *u, const struct eq_flash_upload *upload) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    int err = store->uploaded == EQ_FLASH_NONE ? eq_flash_erase(store, upload->first + upload->done, next_mark(store->flash, upload)) : 0;
    if (!err) go_on(store, upload, eq_flash_uploaded(store, upload));
    u->offset = eq_flash_uploaded(store, upload);
    return err;
}

static int begin_locked(struct eq_upload *u, int *current) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_state state;
    int err = eq_flash_state(store, u->name, &state);
    if (err && err != EQ_FAULT_missing) return err;
    const struct eq_flash_version *now = &state.versions[0];
    *current = state.count && same_file(now, &u->wanted) && eq_flash_sound(store, now->first, now->size, now->sha256);
    u->wanted.version = *current ? now->version : 0;
    if (*current) return 0;
    const struct eq_flash_upload *upload = eq_flash_upload(store);
    int same = upload && !strcmp(upload->name, u->name) && upload->size == u->wanted.size && !memcmp(upload->sha256, u->wanted.sha256, 32);
    u->file = 0;
    store->fill = 0;
    return same ? resume(u, upload) : start(u);
}

int eq_store_begin(struct eq_upload *u, const struct eq_store_ops *ops, const char *name, uint64_t size, const uint8_t sha256[32],
                   int *current) {
    *current = 0;
    memset(u, 0, sizeof *u);
    u->file = -1;
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    if (size == 0 || size > SIZE_MAX / 2) return EQ_FAULT_argument;
    memcpy(u->name, name, strlen(name) + 1);
    u->wanted.size = size;
    memcpy(u->wanted.sha256, sha256, 32);
    int err = ops->lock(ops->context);
    if (err) return err;
    u->ops = ops;
    err = size > eq_flash_size(eq_flash_of(ops)->flash) ? EQ_FAULT_full : begin_locked(u, current);
    if (err) note_failed(u, err, 0);
    if (err || *current) eq_store_abort(u);
    return err;
}

static int mark(struct eq_flash_store *store) {
    struct eq_flash_upload upload = *eq_flash_upload(store);
    upload.done = store->uploaded;
    int err = eq_flash_append(store, EQ_FLASH_UPLOAD, &upload, sizeof upload);
    if (!err) go_on(store, &upload, store->uploaded);
    return err;
}

/* The word that is full, or the last. A failure leaves it open what is programmed. */
static int flush(struct eq_upload *u, uint32_t size) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    uint32_t at = store->uploaded;
    memset(store->word + store->fill, 0xFF, store->flash->word - store->fill);
    store->uploaded = EQ_FLASH_NONE;
    store->fill = 0;
    int err = store->flash->program(store->flash->context, store->first + at, store->word, store->flash->word);
    if (err) return err;
    store->uploaded = at + size;
    return store->first + store->uploaded == store->mark && store->uploaded < u->wanted.size ? mark(store) : 0;
}

int eq_store_write(struct eq_upload *u, uint64_t offset, const void *data, size_t size) {
    if (u->file < 0 || offset != u->offset) return EQ_FAULT_order;
    if (size > u->wanted.size - u->offset) return EQ_FAULT_too_long;
    struct eq_flash_store *store = eq_flash_of(u->ops);
    const uint8_t *from = data;
    int err = 0;
    for (size_t left = size; !err && left;) {
        size_t room = store->flash->word - store->fill, n = left < room ? left : room;
        memcpy(store->word + store->fill, from, n);
        from += n, left -= n;
        store->fill += (uint32_t)n;
        if (n == room) err = flush(u, store->flash->word);
    }
    if (err) note_failed(u, err, 0);
    else u->offset += size;
    return err;
}

static const void *part_of(const struct eq_upload *u) {
    const struct eq_flash_store *store = eq_flash_of(u->ops);
    return store->flash->base + store->first;
}

int eq_store_finish(struct eq_upload *u, eq_store_admit admit, void *context, int32_t *detail) {
    *detail = 0;
    if (u->file < 0 || u->offset != u->wanted.size) return EQ_FAULT_order;
    struct eq_flash_store *store = eq_flash_of(u->ops);
    int err = store->fill ? flush(u, store->fill) : 0;
    u->file = -1;
    int refused = !err && !eq_flash_sound(store, store->first, (uint32_t)u->wanted.size, u->wanted.sha256) ? EQ_FAULT_hash : 0;
    if (!err && !refused && admit) {
        refused = eq_store_read(u->ops, u->name, &u->state);
        if (!refused || refused == EQ_FAULT_missing) refused = admit(context, &u->state, &u->wanted, part_of(u), &u->counter, detail);
    }
    if (refused) drop(u);
    if (!err) err = refused;
    if (err) note_failed(u, err, *detail);
    u->checked = !err;
    return err;
}

void eq_store_abort(struct eq_upload *u) {
    u->file = -1;
    if (u->ops) u->ops->unlock(u->ops->context);
    u->ops = NULL;
    u->checked = 0;
}

/* The state after the switch: the new version, then those of before that are sound and another file, so many as are kept. */
static void add_version(const struct eq_upload *u, struct eq_flash_state *state, uint32_t keep) {
    const struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_version fresh = {state->next++, (uint32_t)u->wanted.size, store->first, {0}};
    memcpy(fresh.sha256, u->wanted.sha256, 32);
    if (keep) state->keep = (uint8_t)keep;
    if (u->counter) {
        state->counter = u->counter;
        memcpy(state->counter_sha256, u->wanted.sha256, 32);
    }
    for (uint32_t i = 0; i < state->count;) {
        const struct eq_flash_version *v = &state->versions[i];
        if (i + 1 < state->keep && !same_file(v, &u->wanted) && eq_flash_sound(store, v->first, v->size, v->sha256)) i++;
        else eq_flash_take_out(state, i);
    }
    memmove(&state->versions[1], &state->versions[0], state->count * sizeof fresh);
    state->versions[0] = fresh;
    state->count++;
}

static int commit_checked(struct eq_upload *u, uint32_t keep, eq_store_health health, void *context, struct eq_store_version *now,
                          int32_t *detail) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_state state;
    int err = health(context, part_of(u), (size_t)u->wanted.size, detail);
    if (err && err != EQ_FAULT_host_gone) drop(u); /* else the upload goes on, as after any other that was cut */
    if (err) return err;
    err = eq_flash_state(store, u->name, &state);
    if (err && err != EQ_FAULT_missing) return err;
    add_version(u, &state, keep);
    err = eq_flash_append_state(store, &state);
    if (err) return err;
    *now = u->wanted;
    now->version = state.versions[0].version;
    store->uploaded = EQ_FLASH_NONE;
    return 0;
}

int eq_store_commit(struct eq_upload *u, uint32_t keep, eq_store_health health, void *context, uint32_t *version) {
    if (!u->checked) return EQ_FAULT_order;
    int32_t detail = 0;
    struct eq_store_version now = {0};
    int err = keep > EQ_STORE_VERSIONS ? EQ_FAULT_argument : commit_checked(u, keep, health, context, &now, &detail);
    *version = now.version;
    if (err) note_failed(u, err, detail);
    else eq_store_note(u->ops, u->name, EQ_EVENT_installed, &now, 0, 0);
    eq_store_abort(u);
    return err;
}
