/* The record of a model: its bytes, and how it is replaced. */
#include "../eq_hash.h"
#include "eq_frame.h"
#include "eq_store.h"
#include <string.h>

#define MAGIC_SIZE         8u
#define VERSION_SIZE       44u
#define HEAD_SIZE          56u  /* of EQSTATE2, before the versions */
#define FIRST_SIZE         104u /* of EQSTATE1 */
#define RECORD_SIZE(count) (HEAD_SIZE + VERSION_SIZE * (size_t)(count) + 4u)

static const char first_magic[] = "EQSTATE1", magic[] = "EQSTATE2";

static uint8_t *put_version(uint8_t *p, const struct eq_store_version *v) {
    eq_store_u32(p, v->version);
    eq_store_u64(p + 4, v->size);
    memcpy(p + 12, v->sha256, 32);
    return p + VERSION_SIZE;
}

static const uint8_t *take_version(const uint8_t *p, struct eq_store_version *v) {
    v->version = eq_load_u32(p);
    v->size = eq_load_u64(p + 4);
    memcpy(v->sha256, p + 12, 32);
    return p + VERSION_SIZE;
}

static size_t encode(uint8_t record[RECORD_SIZE(EQ_STORE_VERSIONS)], const struct eq_store_state *state) {
    uint8_t *p = record + HEAD_SIZE;
    memcpy(record, magic, MAGIC_SIZE);
    eq_store_u32(record + 8, state->next);
    eq_store_u32(record + 12, state->keep | state->count << 8);
    eq_store_u64(record + 16, state->counter);
    memcpy(record + 24, state->counter_sha256, 32);
    for (uint32_t i = 0; i < state->count; i++) p = put_version(p, &state->versions[i]);
    eq_store_u32(p, eq_crc32c(0, record, (size_t)(p - record)));
    return RECORD_SIZE(state->count);
}

/* Versions that exist, each once: what a record can say. */
static int sensible(const struct eq_store_state *state) {
    for (uint32_t i = 0; i < state->count; i++)
        if (!state->versions[i].version || eq_store_find(state, state->versions[i].version) != i) return 0;
    return state->keep >= 1 && state->keep <= EQ_STORE_VERSIONS;
}

/* Two versions, the second 0 where there is none. */
static void decode_first(struct eq_store_state *state, const uint8_t *record) {
    take_version(take_version(record + 12, &state->versions[0]), &state->versions[1]);
    state->keep = EQ_STORE_KEEP;
    state->count = state->versions[1].version ? 2 : 1;
    if (state->count == 1) memset(&state->versions[1], 0, sizeof state->versions[1]);
}

static int decode(struct eq_store_state *state, const uint8_t *record, size_t size) {
    if (size < RECORD_SIZE(0) || eq_crc32c(0, record, size - 4) != eq_load_u32(record + size - 4)) return EQ_FAULT_record;
    state->next = eq_load_u32(record + 8);
    if (size == FIRST_SIZE && !memcmp(record, first_magic, MAGIC_SIZE)) {
        decode_first(state, record);
    } else {
        const uint8_t *p = record + HEAD_SIZE;
        state->keep = record[12];
        uint32_t count = record[13];
        if (memcmp(record, magic, MAGIC_SIZE) || count > EQ_STORE_VERSIONS || size != RECORD_SIZE(count)) return EQ_FAULT_record;
        state->counter = eq_load_u64(record + 16);
        memcpy(state->counter_sha256, record + 24, 32);
        while (state->count < count) p = take_version(p, &state->versions[state->count++]);
    }
    return sensible(state) ? 0 : EQ_FAULT_record;
}

int eq_store_recorded(const struct eq_store_state *state) { return state->count || state->counter; }

/* A record in the file of a model. Where it is missing the state is that of a model that never was. */
static int load(const struct eq_store_ops *ops, const char *name, const char *file, struct eq_store_state *state) {
    char path[EQ_STORE_PATH];
    const void *data;
    size_t size;
    memset(state, 0, sizeof *state);
    int err = eq_store_join(path, name, file);
    if (!err) err = ops->map(ops->context, path, &data, &size);
    if (err == EQ_FAULT_missing) state->next = 1, state->keep = EQ_STORE_KEEP;
    if (err) return err;
    err = decode(state, data, size);
    ops->unmap(ops->context, data, size);
    if (err) memset(state, 0, sizeof *state);
    return err;
}

int eq_store_counter(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    int err = load(ops, name, "counter", state);
    if (err == EQ_FAULT_missing) return 0;
    if (err == EQ_FAULT_record || state->count) {
        memset(state, 0, sizeof *state);
        return EQ_FAULT_counter;
    }
    return err;
}

int eq_store_read(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state) {
    memset(state, 0, sizeof *state);
    if (!eq_store_name_ok(name)) return EQ_FAULT_name;
    int err = load(ops, name, "state", state);
    if (err == EQ_FAULT_missing) err = eq_store_counter(ops, name, state);
    return err || state->count ? err : EQ_FAULT_missing;
}

int eq_store_replace(const struct eq_store_ops *ops, const char *folder, const char *fresh, const char *path, const void *data,
                     size_t size) {
    int err = ops->unlink(ops->context, fresh);
    if (err && err != EQ_FAULT_missing) return err;
    int file = ops->open(ops->context, fresh);
    if (file < 0) return -file;
    err = ops->write(ops->context, file, data, size);
    if (!err) err = ops->fsync(ops->context, file);
    int closed = ops->close(ops->context, file);
    if (!err) err = closed;
    if (!err) err = ops->rename(ops->context, fresh, path);
    return err ? err : ops->fsync_dir(ops->context, folder);
}

static int write_record(const struct eq_store_ops *ops, const char *name, const char *fresh_file, const char *file,
                        const struct eq_store_state *state) {
    char fresh[EQ_STORE_PATH], path[EQ_STORE_PATH];
    uint8_t record[RECORD_SIZE(EQ_STORE_VERSIONS)];
    int err = eq_store_join(fresh, name, fresh_file);
    if (!err) err = eq_store_join(path, name, file);
    return err ? err : eq_store_replace(ops, name, fresh, path, record, encode(record, state));
}

static int write_state(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state) {
    return write_record(ops, name, "state.new", "state", state);
}

/* The second place of the counter says what the state does. */
static int keep_counter(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state) {
    struct eq_store_state seen, alone = *state;
    int err = eq_store_counter(ops, name, &seen);
    if (err && err != EQ_FAULT_counter) return err;
    if (!err && seen.counter == state->counter && !memcmp(seen.counter_sha256, state->counter_sha256, 32)) return 0;
    alone.count = 0;
    return write_record(ops, name, "counter.new", "counter", &alone);
}

/* After a switch that failed. One that cannot be put back is too high, and is read only where the record is lost. */
static void put_counter_back(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *old) {
    char path[EQ_STORE_PATH];
    if (old->counter) (void)keep_counter(ops, name, old);
    else if (!eq_store_join(path, name, "counter")) (void)ops->unlink(ops->context, path);
}

int eq_store_forget(const struct eq_store_ops *ops, const char *name) {
    char path[EQ_STORE_PATH];
    int err = eq_store_join(path, name, "state");
    if (!err) err = ops->unlink(ops->context, path);
    return err ? err : ops->fsync_dir(ops->context, name);
}

/* Whether the record says this, or is still not there: a switch removes none. */
static int says(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state) {
    struct eq_store_state seen;
    uint8_t a[RECORD_SIZE(EQ_STORE_VERSIONS)], b[RECORD_SIZE(EQ_STORE_VERSIONS)];
    int err = load(ops, name, "state", &seen);
    if (err) return err == EQ_FAULT_missing && !state->count;
    return encode(a, &seen) == encode(b, state) && !memcmp(a, b, RECORD_SIZE(state->count));
}

/* The counter goes before the record: a cut between them leaves it too high in its second place, never too low. */
int eq_store_switch(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *fresh,
                    const struct eq_store_state *old) {
    int err = fresh->counter ? keep_counter(ops, name, fresh) : 0;
    if (!err) err = write_state(ops, name, fresh);
    if (!err) return 0;
    if (!says(ops, name, old)) {
        int undone = eq_store_recorded(old) ? write_state(ops, name, old) : eq_store_forget(ops, name);
        if (undone) return EQ_FAULT_rollback_failed;
        err = EQ_FAULT_switch_failed;
    }
    if (fresh->counter) put_counter_back(ops, name, old);
    return err;
}
