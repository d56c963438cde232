/* Where on flash a file goes. The ends of the part are taken first, so that two files of up to half of it always fit by turns. */
#include "eq_flash.h"
#include <string.h>

/* Past an extent that holds *from, and the end of what is free there no further than it. 1: *from was moved. */
static int meet(const struct eq_flash *flash, struct eq_flash_extent used, uint32_t *from, uint32_t *end) {
    if (used.first > *from && used.first < *end) *end = used.first;
    if (used.first > *from || used.end <= *from) return 0;
    *from = eq_flash_sector_end(flash, used.end - 1);
    return 1;
}

/* The next free sectors at or behind *from: their begin there; the end, 0: there are none. retained: earlier versions are kept. */
static uint32_t gap(const struct eq_flash_store *store, int retained, uint32_t *from) {
    const struct eq_flash_state *state;
    uint32_t total = eq_flash_size(store->flash), end = total;
    for (int moved = 1; moved && *from && *from < total;) {
        moved = 0;
        end = total;
        for (uint32_t i = 0; i < EQ_FLASH_OPEN; i++) moved |= meet(store->flash, store->open[i], from, &end);
        for (uint32_t at = 0; (state = eq_flash_next(store, &at, EQ_FLASH_STATE));) {
            if (!eq_flash_in_force(store, state)) continue;
            for (uint32_t i = 0; i < (retained || state->count == 0 ? state->count : 1u); i++) {
                const struct eq_flash_version *v = &state->versions[i];
                moved |= meet(store->flash, (struct eq_flash_extent){v->first, v->first + v->size}, from, &end);
            }
        }
    }
    return *from && *from < total ? end : 0;
}

/* anywhere: also where it parts what is free, though it takes more than a third. */
static int fit(const struct eq_flash_store *store, uint32_t size, int retained, int anywhere, uint32_t *first) {
    uint32_t begin = 2 * store->flash->records, total = eq_flash_size(store->flash), end;
    int found = 0;
    for (uint32_t from = begin; (end = gap(store, retained, &from)); from = end) {
        if (end - from < size) continue;
        int aside = from == begin || end == total;
        if (!aside && (found || (!anywhere && size > (total - begin) / 3))) continue;
        *first = from;
        found = 1;
        if (from == begin) break;
        for (uint32_t at = from; end == total && end - at >= size; at = eq_flash_sector_end(store->flash, at)) *first = at;
    }
    return found;
}

uint64_t eq_flash_room(const struct eq_flash_store *store) {
    uint32_t end, room = 0;
    for (uint32_t from = 2 * store->flash->records; (end = gap(store, 0, &from)); from = end)
        if (end - from > room) room = end - from;
    return room;
}

static int give_up_last(struct eq_flash_store *store, struct eq_flash_state *state) {
    struct eq_store_version gone = {state->versions[state->count - 1].version, 0, {0}};
    memcpy(gone.sha256, state->versions[state->count - 1].sha256, 32);
    eq_flash_take_out(state, state->count - 1u);
    int err = eq_flash_append_state(store, state);
    if (!err) eq_store_note(&store->ops, state->name, EQ_EVENT_removed, &gone, 0, 0);
    return err;
}

/* An earlier version of any model. */
static int give_up_another(struct eq_flash_store *store) {
    const struct eq_flash_state *found;
    struct eq_flash_state state;
    for (uint32_t at = 0; (found = eq_flash_next(store, &at, EQ_FLASH_STATE));) {
        if (!eq_flash_in_force(store, found) || found->count < 2) continue;
        int err = eq_flash_state(store, found->name, &state);
        return err ? err : give_up_last(store, &state);
    }
    return EQ_FAULT_full;
}

int eq_flash_place(struct eq_flash_store *store, struct eq_flash_state *state, uint32_t size, uint32_t *first) {
    int anywhere = 0, err = 0;
    if (!fit(store, size, 0, 1, first)) return EQ_FAULT_full; /* before anything is given up */
    while (!err && !fit(store, size, 1, anywhere, first)) {
        if (state->count > 1) err = give_up_last(store, state);
        else if (!anywhere) anywhere = 1;
        else err = give_up_another(store);
    }
    return err;
}
