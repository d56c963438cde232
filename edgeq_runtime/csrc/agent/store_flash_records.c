/* Records on flash: appended to one of two areas; when it is full, what still counts is copied to the other, and its head comes last.
 * A record is searched by its kind at every unit and believed by its checksum, so that a torn one costs itself alone. */
#include "../eq_hash.h"
#include "eq_flash.h"
#include <stddef.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error records are used where they lie, and they are little-endian
#endif

enum { UNIT = 16, MAGIC = 0x31465145 }; /* "EQF1" */

struct head {
    uint32_t magic, sequence, layout, crc;
};
struct record {
    uint16_t kind, size;
    uint32_t crc;
};
_Static_assert(sizeof(struct head) == UNIT && sizeof(struct record) == 8, "as they lie on flash");
_Static_assert(sizeof(struct eq_store_version) == 48 && offsetof(struct eq_store_state, versions) == 56, "as they lie on flash");
_Static_assert(sizeof(struct eq_flash_upload) == 120 && sizeof(struct eq_store_event) == 128, "as they lie on flash");

/* Records begin at multiples of it: no byte of a unit is programmed at another time than the others. */
static uint32_t unit(const struct eq_flash *flash) { return flash->write_once && flash->word > UNIT ? flash->word : UNIT; }

static uint32_t footprint(const struct eq_flash *flash, uint32_t size) {
    uint32_t step = unit(flash);
    return (size + (uint32_t)sizeof(struct record) + step - 1) / step * step;
}

static const void *look(const struct eq_flash *flash, uint32_t offset) { return flash->base + offset; }

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

static const void *at_place(const struct eq_flash_store *store, uint32_t at, uint16_t kind) {
    const struct record *record = look(store->flash, store->log.area + at);
    if (record->kind != kind || record->size > store->flash->records - at - sizeof *record) return NULL;
    return record->crc == checksum(&store->log, at, record, record + 1) ? record + 1 : NULL;
}

const void *eq_flash_next(const struct eq_flash_store *store, uint32_t *at, uint16_t kind) {
    uint32_t step = unit(store->flash);
    if (*at == 0) *at = step; /* the head */
    while (store->log.area != EQ_FLASH_NONE && *at < store->log.end) {
        const void *found = at_place(store, *at, kind);
        *at += step;
        if (found) return found;
    }
    return NULL;
}

const void *eq_flash_last(const struct eq_flash_store *store, uint16_t kind, const char *name) {
    uint32_t step = unit(store->flash);
    for (uint32_t at = store->log.area == EQ_FLASH_NONE ? 0 : store->log.end; at > step;) {
        at -= step;
        const char *found = at_place(store, at, kind);
        if (found && (!name || !strncmp(found, name, EQ_STORE_NAME))) return found;
    }
    return NULL;
}

/* One unit: `head`, then bytes, then zeros. It is programmed with the word that holds it: where words may be programmed again the rest of
 * the word keeps its bits. */
static int program(struct eq_flash_store *store, uint32_t offset, const void *head, uint32_t head_size, const void *data, uint32_t size) {
    const struct eq_flash *flash = store->flash;
    uint32_t step = unit(flash), block = step > flash->word ? step : flash->word, begin = offset & ~(block - 1);
    uint8_t *to = store->word + (offset - begin);
    memset(store->word, 0xFF, block);
    memset(to, 0, step);
    memcpy(to, head, head_size);
    memcpy(to + head_size, data, size);
    return flash->program(flash->context, begin, store->word, block);
}

/* 0: the flash says so, whatever its driver did. */
static int write(struct eq_flash_store *store, uint16_t kind, const void *data, uint32_t size) {
    struct record record = {kind, (uint16_t)size, 0};
    const uint8_t *from = data;
    uint32_t step = unit(store->flash), at = store->log.end, head = sizeof record;
    int err = 0;
    record.crc = checksum(&store->log, at, &record, data);
    store->log.end += footprint(store->flash, size);
    for (uint32_t to = at; !err && to < store->log.end; to += step, head = 0) {
        uint32_t n = size < step - head ? size : step - head;
        err = program(store, store->log.area + to, &record, head, from, n);
        from += n, size -= n;
    }
    return at_place(store, at, kind) ? 0 : EQ_FAULT_io;
}

static uint32_t layout(const struct eq_flash *flash) {
    uint32_t facts[3] = {flash->records, unit(flash), eq_flash_size(flash)};
    return eq_crc32c(0, facts, sizeof facts);
}

static uint32_t head_crc(const struct head *head) { return eq_crc32c(0, head, offsetof(struct head, crc)); }

/* Whether a record counts; events are counted off apart. */
static int counts(const struct eq_flash_store *store, uint16_t kind, const void *data) {
    if (kind == EQ_FLASH_STATE) return data == eq_flash_state(store, data);
    return data == (kind == EQ_FLASH_UPLOAD ? (const void *)eq_flash_upload(store, NULL) : eq_flash_last(store, kind, NULL));
}

static const struct record *any_at(const struct eq_flash_store *store, uint32_t at) {
    const struct record *record = look(store->flash, store->log.area + at);
    int known = record->kind >= EQ_FLASH_STATE && record->kind <= EQ_FLASH_EVENT;
    return known && at_place(store, at, record->kind) ? record : NULL;
}

/* What counts, and events but for the oldest `skip` bytes of them, is written behind `fresh`; NULL: nothing is written. Bytes of both. */
static int copy(struct eq_flash_store *store, struct eq_flash_log *fresh, uint32_t skip, uint32_t *live, uint32_t *events) {
    const struct eq_flash_log old = store->log;
    uint32_t step = unit(store->flash);
    int err = 0;
    *live = *events = 0;
    for (uint32_t at = step; !err && old.area != EQ_FLASH_NONE && at < old.end; at += step) {
        const struct record *record = any_at(store, at);
        int event = record && record->kind == EQ_FLASH_EVENT;
        if (!record || !(event || counts(store, record->kind, record + 1))) continue;
        *(event ? events : live) += footprint(store->flash, record->size);
        if (!fresh || (event && *events <= skip)) continue;
        store->log = *fresh;
        err = write(store, record->kind, record + 1, record->size);
        *fresh = store->log;
        store->log = old;
    }
    return err;
}

static int write_head(struct eq_flash_store *store, const struct eq_flash_log *log) {
    struct head head = {MAGIC, log->sequence, layout(store->flash), 0};
    head.crc = head_crc(&head);
    (void)program(store, log->area, &head, sizeof head, &head, 0);
    return memcmp(look(store->flash, log->area), &head, sizeof head) ? EQ_FAULT_io : 0;
}

/* Into the other area, with room for `need` bytes more. Events keep half of what is left. The old area counts until the new head is
 * there. */
static int collect(struct eq_flash_store *store, uint32_t need) {
    const struct eq_flash *flash = store->flash;
    uint32_t live, events, step = unit(flash);
    (void)copy(store, NULL, 0, &live, &events);
    if (step + live + need > flash->records) return EQ_FAULT_full;
    uint32_t keep = (flash->records - step - live - need) / 2;
    struct eq_flash_log fresh = {store->log.area == 0 ? flash->records : 0, store->log.sequence + 1, step};
    int err = eq_flash_erase(store, fresh.area, fresh.area + flash->records);
    /* What the oldest takes beyond `keep` makes way, and the rest of the event that it ends in. */
    uint32_t excess = events > keep ? events - keep + footprint(flash, sizeof(struct eq_store_event)) - 1 : 0;
    if (!err) err = copy(store, &fresh, excess, &live, &events);
    if (!err) err = write_head(store, &fresh);
    if (!err) store->log = fresh;
    return err;
}

/* A record that the flash does not take is written once more, in the other area. Behind that of an upload there is room for the state that
 * it is to become. */
int eq_flash_append(struct eq_flash_store *store, uint16_t kind, const void *data, size_t size) {
    uint32_t need = footprint(store->flash, (uint32_t)size);
    int moved = 0, err = EQ_FAULT_io;
    if (kind == EQ_FLASH_UPLOAD) need += footprint(store->flash, sizeof(struct eq_flash_state));
    for (int again = 0; !moved && err == EQ_FAULT_io && again < 2; again++) {
        int full = store->log.area == EQ_FLASH_NONE || store->log.end + need > store->flash->records;
        err = moved = again || full ? collect(store, need) : 0;
        if (!moved) err = write(store, kind, data, (uint32_t)size);
    }
    return err;
}

static int head_ok(const struct eq_flash *flash, uint32_t area) {
    const struct head *head = look(flash, area);
    return head->magic == MAGIC && head->layout == layout(flash) && head->crc == head_crc(head);
}

/* Before the start of the program the power may have gone in a word that reads as erased and is not: the area counts as full, and the next
 * record goes to the other, which is erased first. */
void eq_flash_find_log(struct eq_flash_store *store) {
    const struct eq_flash *flash = store->flash;
    store->log = (struct eq_flash_log){EQ_FLASH_NONE, 0, 0};
    for (uint32_t area = 0; area <= flash->records; area += flash->records) {
        const struct head *head = look(flash, area);
        if (!head_ok(flash, area)) continue;
        if (store->log.area != EQ_FLASH_NONE && (int32_t)(head->sequence - store->log.sequence) < 0) continue;
        store->log = (struct eq_flash_log){area, head->sequence, flash->records};
    }
}
