/* Flash played by memory: it refuses what a chip's flash cannot do, counts its operations and can lose power in any of them. */
#ifndef EQ_POSIX_FLASH_H
#define EQ_POSIX_FLASH_H
#include "agent/eq_flash.h"

/* What an operation that was cut leaves behind. Words of a sector whose erase was cut have to be erased again, whatever they read; a word
 * that was being programmed counts as programmed. */
enum eq_torn { EQ_TORN_AS_BEFORE, EQ_TORN_AS_AFTER, EQ_TORN_HALF, EQ_TORN_BITS, EQ_TORN_GARBAGE };

struct eq_posix_flash {
    struct eq_flash flash;
    uint32_t writes;                                   /* of a word between two erases; 0: without limit, each may only clear bits */
    uint32_t size;                                     /* bytes */
    uint8_t *bytes;                                    /* size of them, */
    uint8_t *programmed;                               /* and how often each word was programmed since its erase */
    uint32_t operations;                               /* words programmed and sectors erased so far */
    uint32_t erased;                                   /* sectors of those */
    uint32_t cut;                                      /* the operation in which the power goes, from 1; 0: none */
    uint32_t torn;                                     /* enum eq_torn */
    uint32_t off;                                      /* the power is off: nothing is done any more */
    uint32_t fails;                                    /* the operation that fails, with the power on and nothing changed; 0: none */
    void (*ended)(const struct eq_posix_flash *flash); /* called when the power goes, or at a violation; NULL: nobody is */
    char violation[128];                               /* "": every operation was one that the chip can do */
};
/* The store's part of the flash of a chip; memory NULL: only its figures. 0 where no chip has the name.
 * memory: flash.size + flash.size / flash.word bytes. */
int eq_posix_flash_init(struct eq_posix_flash *flash, const char *chip, uint8_t *memory);
/* As it leaves the factory. */
void eq_posix_flash_blank(struct eq_posix_flash *flash);
/* Name of chip `index`, NULL: there are no more. */
const char *eq_posix_flash_chip(uint32_t index);
#endif
