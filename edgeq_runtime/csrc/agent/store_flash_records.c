/* Records on flash: appended to one of two areas; when it is full, what still counts is copied to the other, and its head comes last.
 * A record is searched by its kind at every unit and believed by its checksum, so that a torn one costs itself alone. */
#include "../eq_hash.h"
#include "eq_flash.h"
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error records are used where they lie, and they are little-endian
#endif

enum { UNIT = 16, HEAD = 0xE500 };

struct record {
    uint16_t kind, size;
    uint32_t crc;
};
/* The first record of an area; it is written last. */
struct head {
    uint32_t sequence, layout;
};
_Static_assert(sizeof(struct eq_store_version) == 48 && offsetof(struct eq_store_state, versions) == 56, "as they lie on flash");
_Static_assert(sizeof(struct eq_flash_upload) == 120 && sizeof(struct eq_store_event) == 128, "as they lie on flash");

static uint32_t footprint(const struct eq_flash_store *store, size_t size) {
    return ((uint32_t)(size + sizeof(struct record)) + store->unit - 1) & ~(store->unit - 1);
}

uint32_t eq_flash_sector_end(const struct eq_flash *flash, uint32_t offset) {
    uint32_t begin = 0;
    for (const struct eq_flash_sectors *s = flash->sectors; s->count; begin += s->count * s->bytes, s++)
        if (offset - begin < s->count * s->bytes) return begin + ((offset - begin) / s->bytes + 1) * s->bytes;
    return 0;
}

uint32_t eq_flash_size(const struct eq_flash *flash) {
    uint32_t size = 0;
    for (const struct eq_flash_sectors *s = flash->sectors; s->count; s++) size += s->count * s->bytes;
    return size;
}

int eq_flash_erase(const struct eq_flash_store *store, uint32_t from, uint32_t to) {
    int err = 0;
    for (uint32_t at = from, end; !err && at < to; at = end) {
        end = eq_flash_sector_end(store->flash, at);
        err = store->flash->erase(store->flash->context, at, end - at);
    }
    return err;
}

/* Where it belongs is in the checksum: bytes of another area, or of another time, are no record. */
static uint32_t checksum(const struct eq_flash_log *log, uint32_t at, const struct record *record, const void *data) {
    uint32_t place[3] = {log->sequence, at, (uint32_t)record->kind << 16 | record->size};
    return eq_crc32c(eq_crc32c(0, place, sizeof place), data, record->size);
}

static const struct record *look(const struct eq_flash_store *store, uint32_t at) {
    return (const void *)(store->flash->base + store->log.area + at);
}

static const void *at_place(const struct eq_flash_store *store, uint32_t at, uint16_t kind) {
    const struct record *record = look(store, at);
    if (record->kind != kind || record->size > store->flash->records - at - sizeof *record) return NULL;
    return record->crc == checksum(&store->log, at, record, record + 1) ? record + 1 : NULL;
}

const void *eq_flash_next(const struct eq_flash_store *store, uint32_t *at, uint16_t kind) {
    const void *found = NULL;
    for (; !found && *at < store->log.end; *at += store->unit) found = at_place(store, *at, kind);
    return found;
}

const void *eq_flash_last(const struct eq_flash_store *store, uint16_t kind, const char *name) {
    for (uint32_t at = store->log.end; at;) {
        at -= store->unit;
        const char *found = at_place(store, at, kind);
        if (found && (!name || !strcmp(found, name))) return found; /* `name` ends within the room of theirs */
    }
    return NULL;
}

/* A unit is programmed with the word that holds it: where words may be programmed again the rest of the word keeps its bits. 0: the flash
 * says so, whatever its driver did. */
static int write(struct eq_flash_store *store, uint32_t at, uint16_t kind, const void *data, uint32_t size) {
    const struct eq_flash *flash = store->flash;
    const uint32_t step = store->unit, block = step > flash->word ? step : flash->word, end = at + footprint(store, size);
    struct record record = {kind, (uint16_t)size, 0};
    const uint8_t *from = data;
    int err = 0;
    record.crc = checksum(&store->log, at, &record, data);
    for (uint32_t to = at; !err && to < end; to += step) {
        uint32_t offset = store->log.area + to, begin = offset & ~(block - 1), head = to == at ? sizeof record : 0;
        uint32_t n = size < step - head ? size : step - head;
        uint8_t *unit = store->word + (offset - begin);
        memset(store->word, 0xFF, block);
        memset(unit, 0, step);
        memcpy(unit, &record, head);
        memcpy(unit + head, from, n);
        from += n, size -= n;
        err = flash->program(flash->context, begin, store->word, block);
    }
    return at_place(store, at, kind) ? 0 : EQ_FAULT_io;
}

static int write_next(struct eq_flash_store *store, uint16_t kind, const void *data, uint32_t size) {
    uint32_t at = store->log.end;
    if (footprint(store, size) > store->flash->records - at) return EQ_FAULT_full;
    store->log.end += footprint(store, size);
    return write(store, at, kind, data, size);
}

static uint32_t layout(const struct eq_flash_store *store) {
    uint32_t facts[3] = {store->flash->records, store->unit, eq_flash_size(store->flash)};
    return eq_crc32c(0, facts, sizeof facts);
}

/* Whether a record still counts, or (events NULL: it is none of them) is one of the last. */
static int counts(const struct eq_flash_store *store, const struct record *record, const struct eq_store_event *last, uint32_t events) {
    const void *data = record + 1;
    if (record->kind == EQ_FLASH_EVENT) return last && last->number - ((const struct eq_store_event *)data)->number < events;
    if (last) return 0;
    if (record->kind == EQ_FLASH_STATE) return data == eq_flash_state(store, data);
    return data ==
           (record->kind == EQ_FLASH_UPLOAD ? (const void *)eq_flash_upload(store, NULL) : eq_flash_last(store, record->kind, NULL));
}

/* The records that count, or (with the last event) so many events, behind `fresh`. */
static int copy(struct eq_flash_store *store, struct eq_flash_log *fresh, const struct eq_store_event *last, uint32_t events) {
    const struct eq_flash_log old = store->log;
    int err = 0;
    for (uint32_t at = store->unit; !err && at < old.end; at += store->unit) {
        const struct record *record = look(store, at);
        int known = record->kind >= EQ_FLASH_STATE && record->kind <= EQ_FLASH_EVENT;
        if (!known || !at_place(store, at, record->kind) || !counts(store, record, last, events)) continue;
        store->log = *fresh;
        err = write_next(store, record->kind, record + 1, record->size);
        *fresh = store->log;
        store->log = old;
    }
    return err;
}

/* Into the other area, with room for `need` bytes more. Events take at most half of what is left. The old area counts until the head of
 * the new one is there. */
static int collect(struct eq_flash_store *store, uint32_t need) {
    const struct eq_flash_log old = store->log;
    const struct eq_store_event *last = eq_flash_last(store, EQ_FLASH_EVENT, NULL);
    const uint32_t all = store->flash->records;
    struct head head = {old.sequence + 1, layout(store)};
    struct eq_flash_log fresh = {all - old.area, head.sequence, footprint(store, sizeof head)};
    int err = eq_flash_erase(store, fresh.area, fresh.area + all);
    if (!err) err = copy(store, &fresh, NULL, 0);
    if (!err && fresh.end + need > all) err = EQ_FAULT_full;
    if (!err && last) err = copy(store, &fresh, last, (all - fresh.end - need) / 2 / footprint(store, sizeof *last));
    if (err) return err;
    store->log = fresh;
    err = write(store, 0, HEAD, &head, sizeof head);
    if (err) store->log = old;
    return err;
}

/* A record that the flash does not take is written once more, in the other area. Behind that of an upload there is room for the state that
 * it is to become. */
int eq_flash_append(struct eq_flash_store *store, uint16_t kind, const void *data, size_t size) {
    uint32_t need = footprint(store, size) + (kind == EQ_FLASH_UPLOAD ? footprint(store, sizeof(struct eq_flash_state)) : 0);
    int moved = 0, err = EQ_FAULT_io;
    for (int again = 0; !moved && err == EQ_FAULT_io && again < 2; again++) {
        err = moved = again || !store->log.end || store->log.end + need > store->flash->records ? collect(store, need) : 0;
        if (!moved) err = write_next(store, kind, data, (uint32_t)size);
    }
    return err;
}

/* Before the start of the program the power may have gone in a word that reads as erased and is not: the area counts as full, and the next
 * record goes to the other, which is erased first. */
void eq_flash_find_log(struct eq_flash_store *store) {
    const uint32_t all = store->flash->records;
    struct eq_flash_log found = {all, 0, 0};
    store->unit = store->flash->write_once && store->flash->word > UNIT ? store->flash->word : UNIT;
    for (uint32_t area = 0; area <= all; area += all) {
        const struct head *head = (const void *)(store->flash->base + area + sizeof(struct record));
        store->log = (struct eq_flash_log){area, head->sequence, all};
        if (!at_place(store, 0, HEAD) || head->layout != layout(store)) continue;
        if (!found.end || (int32_t)(head->sequence - found.sequence) > 0) found = store->log;
    }
    store->log = found;
}
