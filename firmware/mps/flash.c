/* Flash for the MPS boards, which have none: memory of the machine with the geometry and the rules of the store's part of an STM32L4R5ZI
 * (RM0432: pages of 4 KiB, words of 8 bytes that are programmed once). The host keeps it in a file. */
#include "agent/eq_flash.h"
#include "cortexm.h"
#include <string.h>

enum { PAGES = 256, PAGE = 4096, WORD = 8 };

static uint8_t *bytes_at(uint32_t offset) { return (uint8_t *)(uintptr_t)(EQ_BOARD_FLASH + offset); }

static int erase(void *context, uint32_t offset, uint32_t size) {
    (void)context;
    if (offset % PAGE || size != PAGE || offset >= PAGES * PAGE) return EQ_FAULT_io;
    memset(bytes_at(offset), 0xFF, size);
    return 0;
}

static int program(void *context, uint32_t offset, const void *data, uint32_t size) {
    (void)context;
    if (offset % WORD || size % WORD || offset > PAGES * PAGE || size > PAGES * PAGE - offset) return EQ_FAULT_io;
    for (uint32_t i = 0; i < size; i++)
        if (*bytes_at(offset + i) != 0xFF) return EQ_FAULT_io;
    memcpy(bytes_at(offset), data, size);
    return 0;
}

static const struct eq_flash_sectors sectors[] = {{PAGES, PAGE}, {0, 0}};

const struct eq_flash eq_board_flash = {.base = (const uint8_t *)EQ_BOARD_FLASH,
                                        .sectors = sectors,
                                        .records = 2 * PAGE,
                                        .word = WORD,
                                        .write_once = 1,
                                        .erase = erase,
                                        .program = program};
