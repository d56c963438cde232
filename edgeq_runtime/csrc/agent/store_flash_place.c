/* Where on flash a file goes. The ends of the part are taken first, so that two files of up to half of it always fit by turns. */
#include "eq_flash.h"
#include <string.h>

/* What is free from `from` on, up to `end`; moved: it had to go past what is used. */
struct gap {
    uint32_t from, end;
    int moved;
};

static void meet(const struct eq_flash *flash, struct gap *gap, uint32_t place, uint32_t end) {
    if (place > gap->from && place < gap->end) gap->end = place;
    if (place > gap->from || end <= gap->from) return;
    gap->from = eq_flash_sector_end(flash, end - 1);
    gap->moved = 1;
}

/* The first free sectors at or behind gap->from; 0: there are none. retained: earlier versions are kept. */
static int find_gap(const struct eq_flash_store *store, int retained, struct gap *gap) {
    uint32_t total = eq_flash_size(store->flash);
    do {
        const struct eq_flash_state *state;
        gap->moved = 0;
        gap->end = total;
        for (uint32_t i = 0; i < EQ_FLASH_OPEN; i++) meet(store->flash, gap, store->open[i].place, store->open[i].end);
        for (uint32_t at = 0; (state = eq_flash_next(store, &at, EQ_FLASH_STATE));) {
            uint32_t count = retained || !state->s.count ? state->s.count : 1;
            if (state != eq_flash_state(store, state->name)) continue;
            for (const struct eq_store_version *v = state->s.versions; v < state->s.versions + count; v++)
                meet(store->flash, gap, v->place, v->place + (uint32_t)v->size);
        }
        if (gap->from == 0 || gap->from >= total) return 0;
    } while (gap->moved);
    return 1;
}

/* anywhere: also where it parts what is free, though it takes more than a third. */
static int fit(const struct eq_flash_store *store, int retained, int anywhere, struct eq_store_version *file) {
    uint32_t begin = 2 * store->flash->records, total = eq_flash_size(store->flash), size = (uint32_t)file->size, found = 0;
    for (struct gap gap = {begin, 0, 0}; find_gap(store, retained, &gap); gap.from = gap.end) {
        int aside = gap.from == begin || gap.end == total;
        if (gap.end - gap.from < size || (!aside && (found || (!anywhere && size > (total - begin) / 3)))) continue;
        found = gap.from;
        if (found == begin) break;
        for (uint32_t at = found; gap.end == total && total - at >= size; at = eq_flash_sector_end(store->flash, at)) found = at;
    }
    file->place = found;
    return found != 0;
}

uint32_t eq_flash_room(const struct eq_flash_store *store) {
    uint32_t room = 0;
    for (struct gap gap = {2 * store->flash->records, 0, 0}; find_gap(store, 0, &gap); gap.from = gap.end)
        if (gap.end - gap.from > room) room = gap.end - gap.from;
    return room;
}

/* An earlier version, the oldest of the name, or (NULL) of any. */
static int give_up(struct eq_flash_store *store, const char *name) {
    const struct eq_flash_state *found;
    struct eq_flash_state *state = &store->edit;
    for (uint32_t at = 0; (found = eq_flash_next(store, &at, EQ_FLASH_STATE));) {
        if (found->s.count < 2 || found != eq_flash_state(store, found->name) || (name && strcmp(found->name, name))) continue;
        int err = eq_flash_load(&store->ops, found->name, state);
        state->s.count--;
        if (!err) err = eq_flash_append_state(store, state);
        if (!err) eq_store_note(&store->ops, state->name, EQ_EVENT_removed, &state->s.versions[state->s.count], 0, 0);
        return err;
    }
    return EQ_FAULT_full;
}

int eq_flash_place(struct eq_flash_store *store, const char *name, struct eq_store_version *file) {
    int anywhere = 0, err = fit(store, 0, 1, file) ? 0 : EQ_FAULT_full; /* before anything is given up */
    while (!err && !fit(store, 1, anywhere, file)) {
        err = give_up(store, name);
        if (err == EQ_FAULT_full) err = anywhere ? give_up(store, NULL) : 0, anywhere = 1;
    }
    return err;
}
