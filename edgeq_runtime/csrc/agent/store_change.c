/* An install: upload, health check, switch. The order of the syncs is the promise; the tests cut the power at each step. */
#include "../eq_hash.h"
#include "eq_store.h"
#include <string.h>

/* Names that the store gives; what somebody else put into the folder is not the store's to remove. */
static int is_ours(const char *file) {
    static const char *const names[] = {"state", "state.new", "counter", "counter.new"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(file, names[i])) return 1;
    if (eq_store_is_part(file)) return 1;
    size_t digits = *file == 'v' ? strspn(file + 1, "0123456789") : 0;
    return digits && !strcmp(file + 1 + digits, ".eqm");
}

/* The state, or what lies in the folder, has a use for the file. */
static int wanted(const char *name, const struct eq_store_state *state, const char *file, const char *path) {
    char kept[EQ_STORE_PATH];
    if (!is_ours(file)) return 1;
    if (!strcmp(file, "state")) return eq_store_recorded(state);
    if (!strcmp(file, "counter")) return state->counter != 0;
    for (uint32_t i = 0; i < state->count; i++)
        if (!eq_store_path(kept, name, state->versions[i].version) && !strcmp(path, kept)) return 1;
    return 0;
}

/* Remove the files of a model that its state does not name; the path `keep` stays, too. */
int eq_store_clean(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state, const char *keep) {
    char file[EQ_STORE_NAME], path[EQ_STORE_PATH];
    int err = 0;
    for (uint32_t i = 0; !err;) {
        err = ops->list(ops->context, name, i, file, sizeof file);
        if (!err) err = eq_store_join(path, name, file);
        if (err) break;
        if (wanted(name, state, file, path) || !strcmp(path, keep)) i++;
        else err = ops->unlink(ops->context, path);
    }
    return err == EQ_FAULT_missing ? 0 : err;
}

static int read_or_empty(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    int err = eq_store_read(ops, name, state);
    return err == EQ_FAULT_missing ? 0 : err;
}

void eq_store_tidy(const struct eq_store_ops *ops, const char *keep) {
    struct eq_store_state state;
    char name[EQ_STORE_NAME];
    for (uint32_t i = 0; !ops->list(ops->context, "", i, name, sizeof name);) {
        int model = eq_store_name_ok(name) && !read_or_empty(ops, name, &state);
        if (model) (void)eq_store_clean(ops, name, &state, keep);
        if (!model || eq_store_recorded(&state) || ops->rmdir(ops->context, name)) i++; /* a folder with files in it stays */
    }
}

static uint64_t size_of(const struct eq_store_ops *ops, const char *path) {
    const void *data;
    size_t size;
    if (ops->map(ops->context, path, &data, &size)) return 0;
    ops->unmap(ops->context, data, size);
    return size;
}

static int close_file(struct eq_upload *u) {
    int file = u->file;
    u->file = -1;
    return file < 0 ? 0 : u->ops->close(u->ops->context, file);
}

static void drop_part(struct eq_upload *u) {
    (void)close_file(u);
    (void)u->ops->unlink(u->ops->context, u->part);
    u->offset = 0;
}

static void note_failed(const struct eq_upload *u, int fault, int32_t detail) {
    eq_store_note(u->ops, u->name, EQ_EVENT_install_failed, &u->wanted, fault, detail);
}

/* Whether the state has this very file as the current version, and it is sound: one that was damaged since is installed again. */
static int is_current(struct eq_upload *u, const struct eq_store_ops *ops) {
    const struct eq_store_version *now = &u->state.versions[0];
    char path[EQ_STORE_PATH];
    if (!now->version || !eq_store_same_file(now, &u->wanted)) return 0;
    u->wanted.version = now->version;
    return !eq_store_path(path, u->name, now->version) && !eq_store_verify(ops, path, &u->wanted, NULL, NULL, NULL);
}

/* A store that cannot be changed (a fault of its lock) need not be, where it has the file already. */
static int begin_unlocked(struct eq_upload *u, const struct eq_store_ops *ops, int fault, int *current) {
    if (fault != EQ_FAULT_read_only && fault != EQ_FAULT_denied) return fault;
    *current = !read_or_empty(ops, u->name, &u->state) && is_current(u, ops);
    return *current ? 0 : fault;
}

static int begin_locked(struct eq_upload *u, int *current) {
    const struct eq_store_ops *ops = u->ops;
    char part[EQ_STORE_PATH];
    int err = read_or_empty(ops, u->name, &u->state);
    if (!err) err = eq_store_part(part, u->name, u->wanted.sha256);
    if (err) return err;
    eq_store_tidy(ops, part);
    *current = is_current(u, ops);
    if (*current) return 0;
    memcpy(u->part, part, sizeof part);
    u->offset = size_of(ops, u->part);
    err = ops->mkdir(ops->context, u->name);
    if (!err) err = ops->fsync_dir(ops->context, "");
    if (err) return err;
    if (u->offset > u->wanted.size) {
        u->offset = 0;
        err = ops->unlink(ops->context, u->part);
        if (err) return err;
    }
    if (u->wanted.size - u->offset > ops->free_bytes(ops->context)) return EQ_FAULT_full;
    u->file = ops->open(ops->context, u->part);
    return u->file < 0 ? -u->file : 0;
}

int eq_store_begin(struct eq_upload *u, const struct eq_store_ops *ops, const char *name, uint64_t size, const uint8_t sha256[32],
                   int *current) {
    *current = 0;
    memset(u, 0, sizeof *u);
    u->file = -1;
    eq_sha256_begin(&u->hash);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    if (size == 0 || size > SIZE_MAX / 2) return EQ_FAULT_argument;
    memcpy(u->name, name, strlen(name) + 1);
    u->wanted.size = size;
    memcpy(u->wanted.sha256, sha256, 32);
    int err = ops->lock(ops->context);
    if (err) return begin_unlocked(u, ops, err, current);
    u->ops = ops;
    err = begin_locked(u, current);
    if (err) note_failed(u, err, 0);
    if (err || *current) eq_store_abort(u);
    return err;
}

int eq_store_write(struct eq_upload *u, uint64_t offset, const void *data, size_t size) {
    if (u->file < 0 || offset != u->offset) return EQ_FAULT_order;
    if (size > u->wanted.size - u->offset) return EQ_FAULT_too_long;
    int err = u->ops->write(u->ops->context, u->file, data, size);
    if (!err && u->hash.size == u->offset) eq_sha256_add(&u->hash, data, size);
    if (!err) u->offset += size;
    if (err == EQ_FAULT_full) drop_part(u); /* it would keep the room that is missing */
    if (err) note_failed(u, err, 0);
    return err;
}

/* What was uploaded in one session has been hashed as it came; what an earlier one left is read back. */
static int verify_part(struct eq_upload *u) {
    uint8_t digest[32];
    if (u->hash.size != u->wanted.size) return eq_store_verify(u->ops, u->part, &u->wanted, NULL, NULL, NULL);
    eq_sha256_end(&u->hash, digest);
    return memcmp(digest, u->wanted.sha256, 32) ? EQ_FAULT_corrupt : 0;
}

struct admission {
    struct eq_upload *upload;
    eq_store_admit admit;
    void *context;
};

static int ask(void *context, const void *data, size_t size, int32_t *detail) {
    const struct admission *a = context;
    struct eq_upload *u = a->upload;
    return size == u->wanted.size ? a->admit(a->context, &u->state, &u->wanted, data, &u->counter, detail) : EQ_FAULT_corrupt;
}

int eq_store_finish(struct eq_upload *u, eq_store_admit admit, void *context, int32_t *detail) {
    struct admission admission = {u, admit, context};
    *detail = 0;
    if (u->file < 0 || u->offset != u->wanted.size) return EQ_FAULT_order;
    int err = u->ops->fsync(u->ops->context, u->file);
    int closed = close_file(u);
    if (!err) err = closed;
    if (!err) err = verify_part(u);
    if (err == EQ_FAULT_corrupt) err = EQ_FAULT_hash;
    int refused = !err && admit ? eq_store_verify(u->ops, u->part, NULL, ask, &admission, detail) : 0;
    if (refused) err = refused;
    if (err == EQ_FAULT_hash || err == EQ_FAULT_full || refused) drop_part(u);
    if (err) note_failed(u, err, *detail);
    u->checked = !err;
    return err;
}

/* An upload of which nothing has come leaves nothing. */
static void forget_empty(struct eq_upload *u) {
    if (u->offset == 0) drop_part(u);
    if (!eq_store_recorded(&u->state)) (void)u->ops->rmdir(u->ops->context, u->name); /* stays where it is not empty */
}

void eq_store_abort(struct eq_upload *u) {
    (void)close_file(u);
    if (u->ops && u->part[0]) forget_empty(u);
    if (u->ops) u->ops->unlock(u->ops->context);
    u->ops = NULL;
    u->checked = 0;
}

/* The file at `path` is what the record says, byte for byte (NULL: it has been compared), and passes the health check (NULL: none). */
int eq_store_verify(const struct eq_store_ops *ops, const char *path, const struct eq_store_version *version, eq_store_health health,
                    void *context, int32_t *detail) {
    const void *data;
    size_t size;
    uint8_t digest[32];
    int err = ops->map(ops->context, path, &data, &size);
    if (err) return err == EQ_FAULT_missing ? EQ_FAULT_corrupt : err;
    if (version) eq_sha256(data, size, digest);
    if (version && (size != version->size || memcmp(digest, version->sha256, 32))) err = EQ_FAULT_corrupt;
    if (!err && health) err = health(context, data, size, detail);
    ops->unmap(ops->context, data, size);
    return err;
}

int eq_store_damaged(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version) {
    char path[EQ_STORE_PATH];
    return eq_store_path(path, name, version->version) || eq_store_verify(ops, path, version, NULL, NULL, NULL) == EQ_FAULT_corrupt;
}

/* The state after the switch: the new version, then those of before that are sound and another file, so many as are kept. */
static struct eq_store_state after(const struct eq_upload *u, uint32_t keep) {
    struct eq_store_state fresh = u->state;
    memset(fresh.versions, 0, sizeof fresh.versions);
    fresh.versions[0] = u->wanted;
    fresh.versions[0].version = fresh.next++;
    fresh.count = 1;
    if (keep) fresh.keep = keep;
    if (u->counter) {
        fresh.counter = u->counter;
        memcpy(fresh.counter_sha256, u->wanted.sha256, 32);
    }
    for (uint32_t i = 0; i < u->state.count && fresh.count < fresh.keep; i++) {
        const struct eq_store_version *old = &u->state.versions[i];
        if (!eq_store_same_file(old, &u->wanted) && !eq_store_damaged(u->ops, u->name, old)) fresh.versions[fresh.count++] = *old;
    }
    return fresh;
}

static int commit_checked(struct eq_upload *u, uint32_t keep, eq_store_health health, void *context, struct eq_store_version *now,
                          int32_t *detail) {
    char path[EQ_STORE_PATH];
    int err = eq_store_path(path, u->name, u->state.next);
    struct eq_store_state fresh = after(u, keep); /* reads whole files: nothing that takes long lies between the check and the switch */
    if (!err) err = eq_store_verify(u->ops, u->part, NULL, health, context, detail);
    if (err) {
        if (err != EQ_FAULT_host_gone) drop_part(u); /* else the upload goes on, as after any other that was cut */
        return err;
    }
    err = u->ops->rename(u->ops->context, u->part, path);
    if (!err) err = u->ops->fsync_dir(u->ops->context, u->name);
    if (!err) err = eq_store_switch(u->ops, u->name, &fresh, &u->state);
    if (err) return err;
    u->part[0] = 0;
    *now = fresh.versions[0];
    (void)eq_store_clean(u->ops, u->name, &fresh, ""); /* what stays behind is removed the next time */
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
