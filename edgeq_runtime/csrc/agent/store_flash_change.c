/* An install on flash. A change is one record; what it speaks of lies there before it is written. */
#include "eq_flash.h"
#include <string.h>

/* So often at most what has been programmed of an upload is recorded: a power cut costs such a part of it, or a sector. */
#define MARKS 8u

int eq_flash_forget_upload(struct eq_flash_store *store) {
    struct eq_flash_upload none;
    store->uploaded = EQ_FLASH_NONE;
    if (!eq_flash_upload(store, NULL)) return 0;
    memset(&none, 0, sizeof none);
    return eq_flash_append(store, EQ_FLASH_UPLOAD, &none, sizeof none);
}

static void drop(struct eq_upload *u) {
    (void)eq_flash_forget_upload(eq_flash_of(u->ops));
    u->offset = 0;
}

static int note_failed(const struct eq_upload *u, int fault, int32_t detail) {
    if (fault) eq_store_note(u->ops, u->name, EQ_EVENT_install_failed, &u->wanted, fault, detail);
    return fault;
}

/* Where the next mark is due: at the end of a sector, a part of the file further on, or never. */
static void set_mark(struct eq_flash_store *store, const struct eq_store_version *file, uint32_t done) {
    uint32_t last = file->place + (uint32_t)file->size, from = file->place + done + (uint32_t)file->size / MARKS;
    store->mark = from < last ? eq_flash_sector_end(store->flash, from) : last;
    if (store->mark > last) store->mark = last;
}

/* What is programmed of the upload for good. */
static int mark(struct eq_upload *u, uint32_t done) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_upload upload;
    memset(&upload, 0, sizeof upload);
    memcpy(upload.name, u->name, strlen(u->name));
    upload.file = u->wanted;
    upload.done = done;
    set_mark(store, &u->wanted, done);
    return eq_flash_append(store, EQ_FLASH_UPLOAD, &upload, sizeof upload);
}

/* The record of the upload before goes before its bytes do. */
static int start(struct eq_upload *u, struct eq_flash_store *store) {
    int err = eq_flash_forget_upload(store);
    if (!err) err = eq_flash_place(store, u->name, &u->wanted);
    if (!err) err = eq_flash_erase(store, u->wanted.place, u->wanted.place + (uint32_t)u->wanted.size);
    if (!err) err = mark(u, 0);
    if (!err) store->uploaded = 0;
    return err;
}

/* After a start of the program what lies behind the last mark may be torn. */
static int resume(struct eq_upload *u, struct eq_flash_store *store, const struct eq_flash_upload *upload) {
    u->wanted = upload->file;
    set_mark(store, &u->wanted, upload->done);
    int err = store->uploaded == EQ_FLASH_NONE ? eq_flash_erase(store, u->wanted.place + upload->done, store->mark) : 0;
    if (!err && store->uploaded == EQ_FLASH_NONE) store->uploaded = upload->done;
    u->offset = store->uploaded;
    return err;
}

static int begin_locked(struct eq_upload *u, int *current) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    const struct eq_flash_state *state = eq_flash_state(store, u->name);
    const struct eq_flash_upload *upload = eq_flash_upload(store, u->name);
    *current = state && state->s.count && eq_store_same_file(state->s.versions, &u->wanted) && eq_flash_sound(store, state->s.versions);
    if (*current) u->wanted = state->s.versions[0];
    if (*current) return 0;
    u->file = 0;
    store->fill = 0;
    return upload && eq_store_same_file(&upload->file, &u->wanted) ? resume(u, store, upload) : start(u, store);
}

int eq_store_begin(struct eq_upload *u, const struct eq_store_ops *ops, const char *name, uint64_t size, const uint8_t sha256[32],
                   int *current) {
    *current = 0;
    memset(u, 0, sizeof *u);
    u->file = -1;
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    if (size == 0) return EQ_FAULT_argument;
    memcpy(u->name, name, strlen(name));
    u->wanted.size = size;
    memcpy(u->wanted.sha256, sha256, 32);
    int err = ops->lock(ops->context);
    if (err) return err;
    u->ops = ops;
    err = note_failed(u, size > eq_flash_size(eq_flash_of(ops)->flash) ? EQ_FAULT_full : begin_locked(u, current), 0);
    if (err || *current) eq_store_abort(u);
    return err;
}

/* The word that is full, or the last. A failure leaves it open what is programmed. */
static int flush(struct eq_upload *u) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    const struct eq_flash *flash = store->flash;
    uint32_t at = store->uploaded, size = store->fill;
    memset(store->word + size, 0xFF, flash->word - size);
    store->uploaded = EQ_FLASH_NONE;
    store->fill = 0;
    int err = flash->program(flash->context, u->wanted.place + at, store->word, flash->word);
    if (err) return err;
    store->uploaded = at + size;
    return u->wanted.place + at + size == store->mark && at + size < u->wanted.size ? mark(u, at + size) : 0;
}

int eq_store_write(struct eq_upload *u, uint64_t offset, const void *data, size_t size) {
    if (u->file < 0 || offset != u->offset) return EQ_FAULT_order;
    if (size > u->wanted.size - u->offset) return EQ_FAULT_too_long;
    struct eq_flash_store *store = eq_flash_of(u->ops);
    int err = 0;
    u->offset += size;
    for (const uint8_t *from = data, *end = from + size; !err && from < end;) {
        store->word[store->fill++] = *from++;
        if (store->fill == store->flash->word) err = flush(u);
    }
    if (err) u->file = -1;
    return note_failed(u, err, 0);
}

static int check(struct eq_upload *u, eq_store_admit admit, void *context, int32_t *detail) {
    const struct eq_flash_store *store = eq_flash_of(u->ops);
    if (!eq_flash_sound(store, &u->wanted)) return EQ_FAULT_hash;
    int err = eq_store_read(u->ops, u->name, &u->state);
    if (err && err != EQ_FAULT_missing) return err;
    return admit ? admit(context, &u->state, &u->wanted, store->flash->base + u->wanted.place, &u->counter, detail) : 0;
}

int eq_store_finish(struct eq_upload *u, eq_store_admit admit, void *context, int32_t *detail) {
    *detail = 0;
    if (u->file < 0 || u->offset != u->wanted.size) return EQ_FAULT_order;
    int err = eq_flash_of(u->ops)->fill ? flush(u) : 0;
    u->file = -1;
    if (!err) err = check(u, admit, context, detail);
    if (err && err != EQ_FAULT_io) drop(u);
    u->checked = !err;
    return note_failed(u, err, *detail);
}

void eq_store_abort(struct eq_upload *u) {
    u->file = -1;
    if (u->ops) u->ops->unlock(u->ops->context);
    u->ops = NULL;
    u->checked = 0;
}

/* The state after the switch: the new version, then those of before that are sound and another file, so many as are kept. */
static void add_version(struct eq_upload *u, struct eq_store_state *s, uint32_t keep) {
    u->wanted.version = s->next++;
    if (keep) s->keep = keep;
    if (u->counter) {
        s->counter = u->counter;
        memcpy(s->counter_sha256, u->wanted.sha256, 32);
    }
    for (uint32_t i = 0; i < s->count;) {
        const struct eq_store_version *v = &s->versions[i];
        if (i + 1 < s->keep && !eq_store_same_file(v, &u->wanted) && eq_flash_sound(eq_flash_of(u->ops), v)) i++;
        else eq_store_take_out(s, i);
    }
    memmove(&s->versions[1], &s->versions[0], s->count++ * sizeof s->versions[0]);
    s->versions[0] = u->wanted;
}

static int commit_checked(struct eq_upload *u, uint32_t keep, eq_store_health health, void *context, int32_t *detail) {
    struct eq_flash_store *store = eq_flash_of(u->ops);
    struct eq_flash_state *state = &store->edit;
    int err = eq_flash_load(u->ops, u->name, state);
    if (err && err != EQ_FAULT_missing) return err;
    add_version(u, &state->s, keep); /* reads whole files: nothing that takes long lies between the check and the switch */
    err = health(context, store->flash->base + u->wanted.place, (size_t)u->wanted.size, detail);
    if (err && err != EQ_FAULT_host_gone) drop(u); /* else the upload goes on, as after any other that was cut */
    return err ? err : eq_flash_append_state(store, state);
}

int eq_store_commit(struct eq_upload *u, uint32_t keep, eq_store_health health, void *context, uint32_t *version) {
    if (!u->checked) return EQ_FAULT_order;
    int32_t detail = 0;
    int err = keep > EQ_STORE_VERSIONS ? EQ_FAULT_argument : commit_checked(u, keep, health, context, &detail);
    *version = err ? 0 : u->wanted.version;
    if (err) u->wanted.version = 0;
    if (!note_failed(u, err, detail)) eq_store_note(u->ops, u->name, EQ_EVENT_installed, &u->wanted, 0, 0);
    eq_store_abort(u);
    return err;
}
