/* The upper half of the Pico's flash. While it is changed it cannot be read: no interrupt comes, and the code is in the RAM or the ROM.
 * What the line brings meanwhile waits in the UART's queue of 32 bytes, more than a page takes at 115200 baud; the store erases while no
 * data is on its way. The clock stands still then. */
#include "agent/eq_flash.h"
#include "cortexm.h"
#include "registers.h"
#include "rom.h"
#include "xip.h"

enum { SECTORS = 256, SECTOR = 4096, PAGE = 256, BLOCK = 1 << 16, ERASE_BLOCK = 0xD8 };
#define WINDOW 0x01000000u /* where the flash is seen, 16 MiB, aligned */

/* Of .data, which is copied to the RAM; the flags are those of data, since it is one segment with it. */
#ifdef __arm__
#define IN_RAM __attribute__((noinline, long_call, section(".data.code,\"aw\",%progbits @")))
#else
#define IN_RAM
#endif

IN_RAM static void change(const struct eq_rom *rom, uint32_t offset, const uint8_t *data, uint32_t size) {
    rom->connect();
    rom->exit_xip();
    if (data) rom->program(offset, data, size);
    else rom->erase(offset, size, BLOCK, ERASE_BLOCK);
    rom->flush();
    eq_xip_start();
}

static int change_quietly(uint32_t offset, const uint8_t *data, uint32_t size) {
    const struct eq_rom rom = eq_rom_find();
    eq_interrupts_off();
    change(&rom, EQ_BOARD_FLASH % WINDOW + offset, data, size);
    eq_interrupts_on();
    return 0;
}

static int erase(void *context, uint32_t offset, uint32_t size) {
    (void)context;
    if (offset % SECTOR || size != SECTOR || offset >= SECTORS * SECTOR) return EQ_FAULT_io;
    return change_quietly(offset, NULL, size);
}

static int program(void *context, uint32_t offset, const void *data, uint32_t size) {
    (void)context;
    if (offset % PAGE || size % PAGE || offset > SECTORS * SECTOR || size > SECTORS * SECTOR - offset) return EQ_FAULT_io;
    for (uint32_t i = 0; i < size; i += PAGE) change_quietly(offset + i, (const uint8_t *)data + i, PAGE);
    return 0;
}

static const struct eq_flash_sectors sectors[] = {{SECTORS, SECTOR}, {0, 0}};

const struct eq_flash eq_board_flash = {.base = (const uint8_t *)(uintptr_t)EQ_BOARD_FLASH,
                                        .sectors = sectors,
                                        .records = 2 * SECTOR,
                                        .word = PAGE,
                                        .write_once = 0,
                                        .erase = erase,
                                        .program = program};
