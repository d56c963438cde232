/* What the store does in the same way on files and on flash. */
#include "eq_store.h"
#include <string.h>

static int letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

int eq_store_name_ok(const char *name) {
    size_t n = 0;
    for (; name[n]; n++)
        if (n + 1 >= EQ_STORE_NAME || !(letter(name[n]) || (n && (name[n] == '.' || name[n] == '_' || name[n] == '-')))) return 0;
    return n > 0;
}

uint32_t eq_store_find(const struct eq_store_state *state, uint32_t version) {
    uint32_t i = 0;
    while (i < state->count && state->versions[i].version != version) i++;
    return i;
}

void eq_store_take_out(struct eq_store_state *state, uint32_t at) {
    state->count--;
    memmove(&state->versions[at], &state->versions[at + 1], (state->count - at) * sizeof state->versions[0]);
    memset(&state->versions[state->count], 0, sizeof state->versions[0]);
}

int eq_store_same_file(const struct eq_store_version *a, const struct eq_store_version *b) {
    return a->size == b->size && !memcmp(a->sha256, b->sha256, 32);
}

void eq_store_note_unless_absent(const struct eq_store_ops *ops, const char *name, int event, uint32_t version, int fault, int32_t detail) {
    struct eq_store_version about = {.version = version};
    if (fault != EQ_FAULT_missing && fault != EQ_FAULT_is_current && fault != EQ_FAULT_no_previous)
        eq_store_note(ops, name, event, &about, fault, detail);
}

int eq_store_refresh(const struct eq_store_model *model, struct eq_store_model *fresh, int *changed) {
    struct eq_store_state state;
    *changed = 0;
    int err = eq_store_read(model->ops, model->name, &state);
    if (err) return err;
    /* The number alone does not tell: after a removal they count from 1 again. */
    const struct eq_store_version *now = &state.versions[0], *have = &model->version;
    if (now->version == have->version && now->size == have->size && !memcmp(now->sha256, have->sha256, 32)) return 0;
    err = eq_store_open(fresh, model->ops, model->name, 0);
    *changed = !err;
    return err;
}
