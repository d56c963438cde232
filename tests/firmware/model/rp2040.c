/* The boot ROM's functions and the SSI of an RP2040: flash that can be read, or takes commands, never both. */
#include "model.h"
#include "registers.h"
#include "rom.h"
#include "xip.h"
#include <string.h>

enum { READABLE, CONNECTED, COMMANDS, CHANGED, FLUSHED };
uint32_t eq_model_registers[64];
static uint32_t state, interrupts;
static const int set[] = {0, 1, 2, 5, 60, 61}; /* registers of the second stage */
static uint32_t ready[64];                     /* the SSI as the second stage leaves it */
#define OFFSET (EQ_BOARD_FLASH % 0x01000000u)

static void next(uint32_t from, uint32_t to, const char *what) {
    if (state != from || interrupts) eq_model_refuse(what, state);
    state = to;
}
static void connect(void) { next(READABLE, CONNECTED, "connect"); }
static void exit_xip(void) {
    next(CONNECTED, COMMANDS, "exit_xip");
    memset(eq_model_registers, 0xA5, sizeof eq_model_registers);
}
static void erase(uint32_t offset, size_t size, uint32_t block, uint8_t command) {
    next(COMMANDS, CHANGED, "erase");
    if (offset % 4096 || size % 4096 || offset < OFFSET || offset + size > OFFSET + BYTES || block != 65536 || command != 0xD8)
        eq_model_refuse("an erase of what is no sector of the store", offset);
    else memset(FLASH + (offset - OFFSET), 0xFF, size);
    eq_model_erases++;
}
static void program(uint32_t offset, const uint8_t *data, size_t size) {
    next(COMMANDS, CHANGED, "program");
    if (offset % 256 || size % 256 || offset < OFFSET || offset + size > OFFSET + BYTES || (data >= FLASH && data < FLASH + BYTES))
        eq_model_refuse("a program of what are no pages", offset);
    else
        for (size_t i = 0; i < size; i++) FLASH[offset - OFFSET + i] &= data[i];
    eq_model_words++;
}
static void flush(void) { next(CHANGED, FLUSHED, "flush"); }

struct eq_rom eq_rom_find(void) {
    if (state != READABLE) eq_model_refuse("a look into the ROM's table while the flash cannot be read", state);
    return (struct eq_rom){connect, exit_xip, erase, program, flush};
}

volatile uint32_t *eq_model_at(uint32_t address) {
    static uint32_t nowhere;
    if (address < 0x18000000u || address >= 0x18000100u) {
        eq_model_refuse("an address of no register of the SSI", address);
        return &nowhere;
    }
    return &eq_model_registers[(address - 0x18000000u) / 4];
}

void eq_model_interrupts(int on) {
    if (on && state != READABLE) next(FLUSHED, READABLE, "interrupts come while the flash cannot be read");
    for (unsigned i = 0; on && i < sizeof set / sizeof set[0]; i++)
        if (eq_model_registers[set[i]] != ready[set[i]]) eq_model_refuse("the SSI is not as after the start, register", (uint32_t)set[i]);
    interrupts = (uint32_t)on;
}

void eq_model_settle(void) {}

int eq_model_reset(void) {
    state = READABLE, interrupts = 1;
    memset(eq_model_registers, 0, sizeof eq_model_registers);
    eq_xip_start();
    memcpy(ready, eq_model_registers, sizeof ready);
    return eq_model_start();
}

int eq_model_at_rest(void) { return state == READABLE && interrupts; }
