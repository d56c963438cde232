/* What is installed on flash: states, applications that open a model, the log. */
#include "../eq_hash.h"
#include "eq_flash.h"
#include <string.h>

static size_t bytes_of(const struct eq_store_state *state) {
    return offsetof(struct eq_store_state, versions) + state->count * sizeof state->versions[0];
}

const struct eq_flash_state *eq_flash_state(const struct eq_flash_store *store, const char *name) {
    const struct eq_flash_state *state = eq_flash_last(store, EQ_FLASH_STATE, name);
    return state && (state->s.count || state->s.counter) ? state : NULL;
}

int eq_store_read(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    memset(state, 0, sizeof *state);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    const struct eq_flash_state *found = eq_flash_state(eq_flash_of(ops), name);
    state->next = 1;
    state->keep = EQ_STORE_KEEP;
    if (found && found->s.count > EQ_STORE_VERSIONS) return EQ_FAULT_record; /* of a firmware that keeps more */
    if (found) memcpy(state, &found->s, bytes_of(&found->s));
    return state->count ? 0 : EQ_FAULT_missing;
}

int eq_flash_load(const struct eq_store_ops *ops, const char *name, struct eq_flash_state *copy) {
    memset(copy->name, 0, sizeof copy->name);
    memcpy(copy->name, name, strlen(name));
    return eq_store_read(ops, name, &copy->s);
}

int eq_flash_append_state(struct eq_flash_store *store, const struct eq_flash_state *state) {
    return eq_flash_append(store, EQ_FLASH_STATE, state, EQ_STORE_NAME + bytes_of(&state->s));
}

static const struct eq_store_version *find(const struct eq_store_ops *ops, const char *name, uint32_t version) {
    const struct eq_flash_state *state = eq_flash_state(eq_flash_of(ops), name);
    uint32_t at = state && version ? eq_store_find(&state->s, version) : 0;
    return state && at < state->s.count ? &state->s.versions[at] : NULL;
}

/* A file lies where its record says: it can be damaged, but not be missing. */
int eq_store_look(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version) {
    return find(ops, name, version->version) ? 0 : EQ_FAULT_missing;
}

int eq_flash_sound(const struct eq_flash_store *store, const struct eq_store_version *version) {
    uint8_t digest[32];
    eq_sha256(store->flash->base + version->place, (size_t)version->size, digest);
    return !memcmp(digest, version->sha256, 32);
}

const struct eq_flash_upload *eq_flash_upload(const struct eq_flash_store *store, const char *name) {
    const struct eq_flash_upload *upload = eq_flash_last(store, EQ_FLASH_UPLOAD, NULL);
    const struct eq_flash_state *state;
    if (!upload || !upload->file.size || (name && strcmp(upload->name, name))) return NULL;
    uint32_t at = ((uint32_t)((const uint8_t *)upload - store->flash->base) - store->log.area) & ~15u; /* the begin of its record */
    while ((state = eq_flash_next(store, &at, EQ_FLASH_STATE)))
        for (uint32_t i = 0; i < state->s.count; i++)
            if (state->s.versions[i].place == upload->file.place) return NULL; /* it was installed */
    return upload;
}

uint32_t eq_flash_uploaded(const struct eq_flash_store *store, const struct eq_flash_upload *upload) {
    if (!upload) return 0;
    return store->uploaded == EQ_FLASH_NONE ? upload->done : store->uploaded;
}

uint32_t eq_store_unfinished(const struct eq_store_ops *ops, const char *name, uint64_t *bytes) {
    *bytes = eq_flash_uploaded(eq_flash_of(ops), eq_flash_upload(eq_flash_of(ops), name));
    return *bytes != 0;
}

uint64_t eq_store_offset(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *wanted) {
    const struct eq_flash_upload *upload = eq_flash_upload(eq_flash_of(ops), name);
    return upload && eq_store_same_file(&upload->file, wanted) ? eq_flash_uploaded(eq_flash_of(ops), upload) : 0;
}

/* Installed models in the order of their records, then the unfinished upload of one that is not. */
int eq_store_name(const struct eq_store_ops *ops, uint32_t index, char *name, size_t room) {
    const struct eq_flash_store *store = eq_flash_of(ops);
    const struct eq_flash_state *state;
    const char *found = NULL;
    for (uint32_t at = 0; !found && (state = eq_flash_next(store, &at, EQ_FLASH_STATE));)
        if (state->s.count && state == eq_flash_state(store, state->name) && index-- == 0) found = state->name;
    const struct eq_flash_upload *upload = found || index ? NULL : eq_flash_upload(store, NULL);
    if (upload && eq_flash_uploaded(store, upload) && !find(ops, upload->name, 0)) found = upload->name;
    if (!found) return EQ_FAULT_missing;
    memcpy(name, found, room < EQ_STORE_NAME ? room : EQ_STORE_NAME);
    return 0;
}

int eq_store_open(struct eq_store_model *model, const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct eq_flash_store *store = eq_flash_of(ops);
    memset(model, 0, sizeof *model);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    const struct eq_store_version *found = find(ops, name, version);
    if (!found) return EQ_FAULT_missing;
    uint32_t i = 0;
    while (i < EQ_FLASH_OPEN && store->open[i].end) i++;
    if (i == EQ_FLASH_OPEN) return EQ_FAULT_memory;
    store->open[i].place = found->place;
    store->open[i].end = found->place + (uint32_t)found->size;
    model->ops = ops;
    memcpy(model->name, name, strlen(name));
    model->version = *found;
    model->data = store->flash->base + found->place;
    model->size = (size_t)found->size;
    return 0;
}

void eq_store_close(struct eq_store_model *model) {
    struct eq_flash_store *store = model->data ? eq_flash_of(model->ops) : NULL;
    uint32_t i = 0;
    while (store && i < EQ_FLASH_OPEN && !(store->open[i].end && store->open[i].place == model->version.place)) i++;
    if (store && i < EQ_FLASH_OPEN) store->open[i].end = 0;
    memset(model, 0, sizeof *model);
}

int eq_store_log(const struct eq_store_ops *ops, int (*seen)(void *context, const struct eq_store_event *event), void *context) {
    const struct eq_store_event *event;
    int result = 0;
    for (uint32_t at = 0; !result && (event = eq_flash_next(eq_flash_of(ops), &at, EQ_FLASH_EVENT));) result = seen(context, event);
    return result;
}

void eq_store_note(const struct eq_store_ops *ops, const char *name, int event, const struct eq_store_version *version, int fault,
                   int32_t detail) {
    const struct eq_store_event *last = eq_flash_last(eq_flash_of(ops), EQ_FLASH_EVENT, NULL);
    struct eq_store_event e;
    memset(&e, 0, sizeof e); /* what lies between its fields, too */
    e.number = last ? last->number + 1 : 1;
    e.time_ms = ops->time_ms(ops->context);
    e.event = (uint8_t)event;
    e.fault = (uint16_t)fault;
    e.detail = detail;
    e.software = EQ_VERSION_NUMBER;
    memcpy(e.name, name, strlen(name));
    if (version) {
        e.version = version->version;
        memcpy(e.sha256, version->sha256, 32);
    }
    (void)eq_flash_append(eq_flash_of(ops), EQ_FLASH_EVENT, &e, sizeof e);
}

/* The one file beside models: the enrolled keys. */
int eq_store_replace(const struct eq_store_ops *ops, const char *folder, const char *fresh, const char *path, const void *data,
                     size_t size) {
    (void)folder, (void)fresh, (void)path;
    return eq_flash_append(eq_flash_of(ops), EQ_FLASH_KEYS, data, size);
}

static int do_map(void *context, const char *path, const void **data, size_t *size) {
    const uint16_t *keys = strcmp(path, ".keys") ? NULL : eq_flash_last(context, EQ_FLASH_KEYS, NULL);
    *data = keys;
    *size = keys ? keys[-3] : 0; /* of the record */
    return keys ? 0 : EQ_FAULT_missing;
}

static void do_unmap(void *context, const void *data, size_t size) { (void)context, (void)data, (void)size; }

static int do_lock(void *context) {
    struct eq_flash_store *store = context;
    if (store->locked) return EQ_FAULT_busy;
    store->locked = 1;
    return 0;
}

static void do_unlock(void *context) { ((struct eq_flash_store *)context)->locked = 0; }

static uint64_t do_free_bytes(void *context) { return eq_flash_room(context); }

static uint64_t do_time_ms(void *context) {
    (void)context;
    return 0; /* no chip here has a clock that goes on without power */
}

const struct eq_store_ops *eq_flash_store_init(struct eq_flash_store *store, const struct eq_flash *flash) {
    memset(store, 0, sizeof *store);
    store->ops.context = store;
    store->ops.map = do_map;
    store->ops.unmap = do_unmap;
    store->ops.lock = do_lock;
    store->ops.unlock = do_unlock;
    store->ops.free_bytes = do_free_bytes;
    store->ops.time_ms = do_time_ms;
    store->flash = flash;
    store->uploaded = EQ_FLASH_NONE;
    eq_flash_find_log(store);
    return &store->ops;
}
