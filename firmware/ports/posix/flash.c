#include "flash.h"
#include <stdio.h>
#include <string.h>

enum { ERASE_CUT = 255 }; /* in `programmed` */

/* Sources: RM0432 (STM32L4+), RM0433 (H743), RM0385 (F74x), nRF52840 Product Specification 4.3 (NVMC), RP2040 datasheet 2.6.3 with
 * W25Q16JV, RM0456 (U5). The part that is the store's; the firmware has the rest. */
static const struct chip {
    const char *name;
    struct eq_flash_sectors sectors[4];
    uint32_t records, word, writes;
} chips[] = {
    {"stm32l4r5zi", {{256, 4096}}, 8192, 8, 1},
    {"stm32h743zi", {{8, 131072}}, 131072, 32, 1},
    {"stm32f746zg", {{2, 32768}, {1, 131072}, {3, 262144}}, 32768, 4, 0},
    {"nrf52840", {{192, 4096}}, 8192, 4, 2},
    {"rp2040", {{256, 4096}}, 8192, 256, 0},
    {"stm32u585ai", {{128, 8192}}, 8192, 16, 1},
};

static int refuse(struct eq_posix_flash *f, const char *what, uint32_t offset) {
    if (!f->violation[0]) snprintf(f->violation, sizeof f->violation, "%s at %u", what, (unsigned)offset);
    if (f->ended) f->ended(f);
    return EQ_FAULT_io;
}

/* The same in every run: of the operation and the place. */
static uint8_t noise(const struct eq_posix_flash *f, uint32_t offset) {
    uint32_t x = f->operations * 2654435761u ^ offset * 2246822519u;
    x ^= x >> 15, x *= 2246822519u, x ^= x >> 13;
    return (uint8_t)x;
}

/* What a byte that was to become `to` reads where the power went in between. half: it lies in the first half. */
static uint8_t torn(const struct eq_posix_flash *f, uint32_t offset, uint8_t to, int half, int erase) {
    uint8_t before = f->bytes[offset], random = noise(f, offset);
    if (f->torn == EQ_TORN_AS_BEFORE || (f->torn == EQ_TORN_HALF && !half)) return before;
    if (f->torn == EQ_TORN_AS_AFTER || f->torn == EQ_TORN_HALF) return to;
    /* Where a word may be programmed again there is no checksum beside it, and its bits go one way. */
    if (f->torn == EQ_TORN_GARBAGE && (f->flash.write_once || erase)) return random;
    return (uint8_t)((before & random) | (to & ~random));
}

/* data NULL: erase. */
static int change(struct eq_posix_flash *f, uint32_t offset, uint32_t size, const uint8_t *data) {
    if (++f->operations == f->fails) return EQ_FAULT_io;
    f->off = f->operations == f->cut;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t to = data ? data[i] & f->bytes[offset + i] : 0xFF;
        f->bytes[offset + i] = f->off ? torn(f, offset + i, to, i < size / 2, !data) : to;
    }
    uint8_t *programmed = f->programmed + offset / f->flash.word;
    if (data) ++*programmed;
    else memset(programmed, f->off ? ERASE_CUT : 0, size / f->flash.word);
    if (f->off && f->ended) f->ended(f);
    return f->off ? EQ_FAULT_io : 0;
}

static int erase(void *context, uint32_t offset, uint32_t bytes) {
    struct eq_posix_flash *f = context;
    uint32_t end = offset < f->size ? eq_flash_sector_end(&f->flash, offset) : 0;
    if (f->off) return EQ_FAULT_io;
    if (!end || bytes != end - offset || (offset && eq_flash_sector_end(&f->flash, offset - 1) != offset))
        return refuse(f, "an erase of what is no sector", offset);
    f->erased++;
    return change(f, offset, bytes, NULL);
}

static int may_program(struct eq_posix_flash *f, uint32_t offset, const uint8_t *data) {
    uint8_t programmed = f->programmed[offset / f->flash.word];
    if (programmed == ERASE_CUT) return !refuse(f, "a word is programmed whose erase was cut", offset);
    if (f->writes && programmed >= f->writes) return !refuse(f, "a word is programmed too often", offset);
    for (uint32_t i = 0; i < f->flash.word; i++)
        if (data[i] != 0xFF && (data[i] & ~f->bytes[offset + i])) return !refuse(f, "a bit is set that was not erased", offset);
    return 1;
}

static int program(void *context, uint32_t offset, const void *data, uint32_t size) {
    struct eq_posix_flash *f = context;
    uint32_t word = f->flash.word;
    if (f->off) return EQ_FAULT_io;
    if (!size || offset % word || size % word || offset > f->size || size > f->size - offset)
        return refuse(f, "a program of what are no words", offset);
    int err = 0;
    for (uint32_t at = 0; !err && at < size; at += word)
        err = may_program(f, offset + at, (const uint8_t *)data + at) ? change(f, offset + at, word, (const uint8_t *)data + at)
                                                                      : EQ_FAULT_io;
    return err;
}

const char *eq_posix_flash_chip(uint32_t index) { return index < sizeof chips / sizeof chips[0] ? chips[index].name : NULL; }

int eq_posix_flash_init(struct eq_posix_flash *f, const char *chip, uint8_t *memory) {
    for (uint32_t i = 0; eq_posix_flash_chip(i); i++) {
        if (strcmp(chips[i].name, chip)) continue;
        memset(f, 0, sizeof *f);
        f->flash = (struct eq_flash){f, memory, chips[i].sectors, chips[i].records, chips[i].word, chips[i].writes == 1, erase, program};
        f->writes = chips[i].writes;
        f->size = eq_flash_size(&f->flash);
        f->bytes = memory;
        f->programmed = memory ? memory + f->size : NULL;
        return 1;
    }
    return 0;
}

void eq_posix_flash_blank(struct eq_posix_flash *f) {
    memset(f->bytes, 0xFF, f->size);
    memset(f->programmed, 0, f->size / f->flash.word);
}
