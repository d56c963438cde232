/* The store on a chip's flash: eq_store.h over two areas of records and the models themselves, run where they lie. SPEC.md section 5.8 is
 * the contract. store_flash*.c take the place of the other store*.c where a firmware is linked. Functions return 0 or an enum eq_fault. */
#ifndef EQ_FLASH_H
#define EQ_FLASH_H
#include "eq_store.h"
#include <stddef.h>

#define EQ_FLASH_WORD 256u /* bytes of the largest program word */
#define EQ_FLASH_OPEN 4u   /* models that may be open at once */
#define EQ_FLASH_NONE 0xFFFFFFFFu

/* So many sectors of so many bytes each. */
struct eq_flash_sectors {
    uint32_t count, bytes;
};

/* The part of the flash that is the store's, as the port has it. Offsets count from its begin. Functions return when the work is done and
 * what was read ahead of it is forgotten (caches). A word that a power cut tore may be one that the chip's ECC cannot mend: where the read
 * of it is an NMI or a bus fault, the port lets that pass, with any value. */
struct eq_flash {
    void *context;
    const uint8_t *base;                    /* where the processor reads it, aligned to EQ_ALIGN; erased bytes read 0xFF */
    const struct eq_flash_sectors *sectors; /* the erase map, in order; ends with count 0 */
    uint32_t records;                       /* bytes of each of the two areas of records, which lie first: whole sectors */
    uint32_t word;       /* bytes that are programmed at once, a power of two, 1 .. EQ_FLASH_WORD; it divides every sector */
    uint32_t write_once; /* 1: a word may be programmed once after an erase; 0: again, to clear more bits */
    int (*erase)(void *context, uint32_t offset, uint32_t bytes);                    /* one sector, from its begin */
    int (*program)(void *context, uint32_t offset, const void *data, uint32_t size); /* whole words, in order; data lies in RAM */
};

/* Where records go. */
struct eq_flash_log {
    uint32_t area, sequence, end; /* offset of the area in use; its number; where the next record goes in it, 0: it is none */
};
/* What is installed under a name: the last record of the name holds. */
struct eq_flash_state {
    char name[EQ_STORE_NAME];
    struct eq_store_state s; /* only so many versions as it has */
};
/* The caller's memory; the table of operations lives in it. */
struct eq_flash_store {
    struct eq_store_ops ops;
    const struct eq_flash *flash;
    struct eq_flash_log log;
    uint32_t unit;     /* records begin at multiples: none of its bytes is programmed at another time than the others */
    uint32_t uploaded; /* bytes of the unfinished upload that this start of the program has programmed; EQ_FLASH_NONE: ask its record */
    uint32_t mark;     /* the offset at which the upload that goes on is recorded next */
    uint32_t fill;     /* bytes in `word` */
    uint32_t locked;
    struct {
        uint32_t place, end;    /* 0: free */
    } open[EQ_FLASH_OPEN];      /* models */
    struct eq_flash_state edit; /* the state that a change makes, under the lock: stacks are small */
    uint8_t word[EQ_FLASH_WORD];
};
/* Reads the flash, writes nothing. The table to hand to eq_store.h. */
const struct eq_store_ops *eq_flash_store_init(struct eq_flash_store *store, const struct eq_flash *flash);

/* Between the files of the store on flash. Records as they lie there: little-endian, as every machine here; also a struct eq_store_event.
 */
enum eq_flash_kind { EQ_FLASH_STATE = 0xE501, EQ_FLASH_UPLOAD = 0xE502, EQ_FLASH_KEYS = 0xE503, EQ_FLASH_EVENT = 0xE504 };
/* The upload that goes on, or (size 0) none: the last record holds until a state has a version at its place. */
struct eq_flash_upload {
    char name[EQ_STORE_NAME];
    struct eq_store_version file;
    uint32_t done, zero; /* bytes that are programmed for good */
};

static inline struct eq_flash_store *eq_flash_of(const struct eq_store_ops *ops) { return ops->context; }

/* store_flash_records.c: */
void eq_flash_find_log(struct eq_flash_store *store);
/* The record of a kind at or after *at, and *at behind its begin; NULL: no more. */
const void *eq_flash_next(const struct eq_flash_store *store, uint32_t *at, uint16_t kind);
/* The last record of a kind, of a name where one is given. */
const void *eq_flash_last(const struct eq_flash_store *store, uint16_t kind, const char *name);
/* A record that is there as a whole or, after a power cut, not at all. */
int eq_flash_append(struct eq_flash_store *store, uint16_t kind, const void *data, size_t size);
int eq_flash_erase(const struct eq_flash_store *store, uint32_t from, uint32_t to); /* the sectors that [from, to) touches */
/* The end of the sector that holds `offset`, 0: it lies beyond the last. */
uint32_t eq_flash_sector_end(const struct eq_flash *flash, uint32_t offset);
uint32_t eq_flash_size(const struct eq_flash *flash);

/* store_flash.c: the state of a name, NULL where there is nothing of it; a copy to change, 0 or a fault as from eq_store_read. */
const struct eq_flash_state *eq_flash_state(const struct eq_flash_store *store, const char *name);
int eq_flash_load(const struct eq_store_ops *ops, const char *name, struct eq_flash_state *copy);
int eq_flash_append_state(struct eq_flash_store *store, const struct eq_flash_state *state);
/* The unfinished upload, of a name where one is given; NULL: none. And its bytes that are there. */
const struct eq_flash_upload *eq_flash_upload(const struct eq_flash_store *store, const char *name);
uint32_t eq_flash_uploaded(const struct eq_flash_store *store, const struct eq_flash_upload *upload);
int eq_flash_forget_upload(struct eq_flash_store *store);
int eq_flash_sound(const struct eq_flash_store *store, const struct eq_store_version *version);

/* store_flash_place.c: a place for the file, made by giving up earlier versions where there is no other. */
int eq_flash_place(struct eq_flash_store *store, const char *name, struct eq_store_version *file);
uint32_t eq_flash_room(const struct eq_flash_store *store); /* bytes of the largest file that could be installed */
#endif
