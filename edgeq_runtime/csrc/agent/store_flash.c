/* What is installed on flash: states, places, applications that open a model, the log. */
#include "../eq_hash.h"
#include "eq_flash.h"
#include <string.h>

struct eq_flash_store *eq_flash_of(const struct eq_store_ops *ops) {
    return ops->context;
}

int eq_flash_in_force(const struct eq_flash_store *store, const struct eq_flash_state *state) {
    return (state->count || state->counter) && eq_flash_last(store, EQ_FLASH_STATE, state->name) == state;
}

static const struct eq_flash_state *installed(const struct eq_flash_store *store, const char *name) {
    const struct eq_flash_state *state = eq_flash_last(store, EQ_FLASH_STATE, name);
    return state && state->count && state->count <= EQ_STORE_VERSIONS ? state : NULL;
}

int eq_flash_state(const struct eq_flash_store *store, const char *name, struct eq_flash_state *state) {
    const struct eq_flash_state *found = eq_flash_last(store, EQ_FLASH_STATE, name);
    memset(state, 0, sizeof *state);
    memcpy(state->name, name, strlen(name));
    state->next = 1;
    state->keep = EQ_STORE_KEEP;
    if (!found || !eq_flash_in_force(store, found)) return EQ_FAULT_missing;
    if (found->count > EQ_STORE_VERSIONS) return EQ_FAULT_record; /* of a firmware that keeps more */
    memcpy(state, found, EQ_FLASH_STATE_BYTES(found->count));
    return found->count ? 0 : EQ_FAULT_missing;
}

int eq_flash_append_state(struct eq_flash_store *store, const struct eq_flash_state *state) {
    return eq_flash_append(store, EQ_FLASH_STATE, state, EQ_FLASH_STATE_BYTES(state->count));
}

void eq_flash_take_out(struct eq_flash_state *state, uint32_t at) {
    state->count--;
    memmove(&state->versions[at], &state->versions[at + 1], (state->count - at) * sizeof state->versions[0]);
}

static struct eq_store_version version_of(const struct eq_flash_version *v) {
    struct eq_store_version version = {v->version, v->size, {0}};
    memcpy(version.sha256, v->sha256, 32);
    return version;
}

int eq_store_read(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    struct eq_flash_state found;
    memset(state, 0, sizeof *state);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = eq_flash_state(eq_flash_of(ops), name, &found);
    if (err == EQ_FAULT_record) return err;
    state->next = found.next;
    state->keep = found.keep;
    state->count = found.count;
    state->counter = found.counter;
    memcpy(state->counter_sha256, found.counter_sha256, 32);
    for (uint32_t i = 0; i < found.count; i++) state->versions[i] = version_of(&found.versions[i]);
    return err;
}

static const struct eq_flash_version *find(const struct eq_flash_store *store, const char *name, uint32_t version) {
    const struct eq_flash_state *state = installed(store, name);
    for (uint32_t i = 0; state && i < state->count; i++)
        if (!version || state->versions[i].version == version) return &state->versions[i];
    return NULL;
}

/* A file lies where its record says: it can be damaged, but not be missing. */
int eq_store_look(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version) {
    return find(eq_flash_of(ops), name, version->version) ? 0 : EQ_FAULT_missing;
}

int eq_flash_sound(const struct eq_flash_store *store, uint32_t first, uint32_t size, const uint8_t sha256[32]) {
    uint8_t digest[32];
    eq_sha256(store->flash->base + first, size, digest);
    return !memcmp(digest, sha256, 32);
}

const struct eq_flash_upload *eq_flash_upload(const struct eq_flash_store *store) {
    const struct eq_flash_upload *upload = eq_flash_last(store, EQ_FLASH_UPLOAD, NULL);
    const struct eq_flash_state *state;
    if (!upload || !upload->size) return NULL;
    uint32_t at = (uint32_t)((const uint8_t *)upload - store->flash->base) - store->log.area;
    at &= ~15u; /* the begin of its record */
    while ((state = eq_flash_next(store, &at, EQ_FLASH_STATE)))
        for (uint32_t i = 0; i < state->count; i++)
            if (state->versions[i].first == upload->first) return NULL; /* it was installed */
    return upload;
}

uint32_t eq_flash_uploaded(const struct eq_flash_store *store, const struct eq_flash_upload *upload) {
    return store->uploaded == EQ_FLASH_NONE ? upload->done : store->uploaded;
}

uint32_t eq_store_unfinished(const struct eq_store_ops *ops, const char *name, uint64_t *bytes) {
    const struct eq_flash_store *store = eq_flash_of(ops);
    const struct eq_flash_upload *upload = eq_flash_upload(store);
    *bytes = upload && !strcmp(upload->name, name) ? eq_flash_uploaded(store, upload) : 0;
    return *bytes != 0;
}

uint64_t eq_store_offset(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *wanted) {
    const struct eq_flash_store *store = eq_flash_of(ops);
    const struct eq_flash_upload *upload = eq_flash_upload(store);
    int same = upload && !strcmp(upload->name, name) && upload->size == wanted->size && !memcmp(upload->sha256, wanted->sha256, 32);
    return same ? eq_flash_uploaded(store, upload) : 0;
}

/* Installed models in the order of their records, then the unfinished upload of one that is not. */
int eq_store_name(const struct eq_store_ops *ops, uint32_t index, char *name, size_t room) {
    const struct eq_flash_store *store = eq_flash_of(ops);
    const struct eq_flash_state *state;
    const char *found = NULL;
    uint64_t bytes;
    for (uint32_t at = 0; !found && (state = eq_flash_next(store, &at, EQ_FLASH_STATE));)
        if (state == installed(store, state->name) && index-- == 0) found = state->name;
    const struct eq_flash_upload *upload = found || index ? NULL : eq_flash_upload(store);
    if (upload && !installed(store, upload->name) && eq_store_unfinished(ops, upload->name, &bytes)) found = upload->name;
    if (!found) return EQ_FAULT_missing;
    memcpy(name, found, room < EQ_STORE_NAME ? room : EQ_STORE_NAME);
    return 0;
}

int eq_store_open(struct eq_store_model *model, const struct eq_store_ops *ops, const char *name, uint32_t version) {
    struct eq_flash_store *store = eq_flash_of(ops);
    memset(model, 0, sizeof *model);
    const struct eq_flash_version *found = eq_store_name_ok(name) ? find(store, name, version) : NULL;
    if (!found) return eq_store_name_ok(name) ? EQ_FAULT_missing : EQ_FAULT_name;
    for (uint32_t i = 0; i < EQ_FLASH_OPEN; i++) {
        if (store->open[i].end) continue;
        store->open[i] = (struct eq_flash_extent){found->first, found->first + found->size};
        model->ops = ops;
        memcpy(model->name, name, strlen(name));
        model->version = version_of(found);
        model->data = store->flash->base + found->first;
        model->size = found->size;
        return 0;
    }
    return EQ_FAULT_memory;
}

void eq_store_close(struct eq_store_model *model) {
    struct eq_flash_store *store = model->data ? eq_flash_of(model->ops) : NULL;
    for (uint32_t i = 0; store && i < EQ_FLASH_OPEN; i++)
        if (store->open[i].end && store->flash->base + store->open[i].first == model->data) {
            store->open[i].end = 0;
            break;
        }
    memset(model, 0, sizeof *model);
}

int eq_store_log(const struct eq_store_ops *ops, int (*seen)(void *context, const struct eq_store_event *event), void *context) {
    const struct eq_flash_event *e;
    int result = 0;
    for (uint32_t at = 0; !result && (e = eq_flash_next(eq_flash_of(ops), &at, EQ_FLASH_EVENT));) {
        uint64_t time_ms = (uint64_t)e->time_ms[1] << 32 | e->time_ms[0];
        struct eq_store_event event = {e->number, time_ms, e->event, e->fault, e->detail, e->version, e->software, {0}, {0}};
        memcpy(event.sha256, e->sha256, 32);
        memcpy(event.name, e->name, EQ_STORE_NAME);
        result = seen(context, &event);
    }
    return result;
}

void eq_store_note(const struct eq_store_ops *ops, const char *name, int event, const struct eq_store_version *version, int fault,
                   int32_t detail) {
    const struct eq_flash_event *last = eq_flash_last(eq_flash_of(ops), EQ_FLASH_EVENT, NULL);
    uint64_t now = ops->time_ms(ops->context);
    struct eq_flash_event e = {last ? last->number + 1 : 1,
                               EQ_VERSION_NUMBER,
                               {(uint32_t)now, (uint32_t)(now >> 32)},
                               0,
                               detail,
                               (uint16_t)fault,
                               (uint8_t)event,
                               0,
                               {0},
                               {0}};
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
    return eq_flash_append(eq_flash_of(ops), EQ_FLASH_KEYS, data, (uint32_t)size);
}

static int do_map(void *context, const char *path, const void **data, size_t *size) {
    *data = strcmp(path, ".keys") ? NULL : eq_flash_last(context, EQ_FLASH_KEYS, NULL);
    *size = *data ? ((const uint16_t *)*data)[-3] : 0;
    return *data ? 0 : EQ_FAULT_missing;
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
    store->ops = (struct eq_store_ops){.context = store,
                                       .map = do_map,
                                       .unmap = do_unmap,
                                       .lock = do_lock,
                                       .unlock = do_unlock,
                                       .free_bytes = do_free_bytes,
                                       .time_ms = do_time_ms};
    store->flash = flash;
    store->uploaded = EQ_FLASH_NONE;
    eq_flash_find_log(store);
    return &store->ops;
}
