/* The flash controller of an STM32L4+ as RM0432 chapter 3 has it: keys, busy, errors, ECC, and the data cache, which has to be emptied. */
#include "model.h"
#include "registers.h"
#include <string.h>

enum { ACR, PDKEYR, KEYR, OPTKEYR, SR, CR, ECCR, R7, OPTR, REGISTERS };
#define BASE   0x40022000u
#define LOCK   (1u << 31)
#define BSY    (1u << 16)
#define STRT   (1u << 16)
#define PER    2u
#define PG     1u
#define BKER   (1u << 11)
#define DCEN   (1u << 10)
#define DCRST  (1u << 12)
#define ERRORS 0xC3FAu
#define ECCD   (1u << 31)
#define DBANK  (1u << 22)

uint32_t eq_model_registers[REGISTERS];
static uint32_t shown[REGISTERS], keys, busy, stale, last, halves, word[2], at;
static const uint32_t none = 0xFFFFFFFFu;

static void failed(void) {
    if (!eq_model_fails) return;
    eq_model_fails = 0;
    eq_model_registers[SR] |= 1u << 3; /* PROGERR */
}

static void erase(uint32_t cr) {
    const uint32_t page = cr >> 3 & 255;
    if (!(cr & PER) || !(cr & BKER) || !(eq_model_registers[OPTR] & DBANK)) eq_model_refuse("an erase of what is no page of bank 2", cr);
    busy = 3, stale = 1;
    if (eq_model_fails) return failed();
    memset(FLASH + page * 4096, 0xFF, 4096);
    eq_model_erases++;
}

static void program(void) {
    const uint32_t offset = at - EQ_BOARD_FLASH;
    if (eq_model_registers[CR] != PG) eq_model_refuse("a word without PG", at);
    busy = 2, stale = 1;
    if (eq_model_fails) return failed();
    for (int i = 0; i < 8; i++)
        if (FLASH[offset + (uint32_t)i] != 0xFF) eq_model_refuse("a word that is not erased", at);
    memcpy(FLASH + offset, word, 8);
    eq_model_words++;
}

static void half(void) {
    const uint32_t n = (last - EQ_BOARD_FLASH) / 4 % 2;
    if (busy) eq_model_refuse("a write while it is busy", last);
    if (n != halves || (n == 1 && last != at + 4)) eq_model_refuse("half a word out of order", last);
    if (n == 0) at = last, halves = 1;
    else halves = 0, program();
}

static void wrote(int r, uint32_t value) {
    if (busy && r != SR) eq_model_refuse("a register is written while it is busy", BASE + 4u * (uint32_t)r);
    if (r == SR) eq_model_registers[SR] &= ~value;
    else if (r == ECCR) eq_model_registers[ECCR] &= ~(value & ECCD);
    else if (r == KEYR) {
        keys = value == (keys == 0 ? 0x45670123u : 0xCDEF89ABu) ? keys + 1 : 9;
        if (keys == 2) eq_model_registers[CR] &= ~LOCK;
    } else if (r == CR) {
        if (eq_model_registers[CR] & LOCK && !(value & LOCK)) eq_model_refuse("CR is locked", BASE);
        eq_model_registers[CR] = value & ~STRT;
        if (value & LOCK) keys = 0;
        if (value & STRT) erase(value);
    } else if (r == ACR) {
        if (value & DCRST && value & DCEN) eq_model_refuse("the data cache is on while it is emptied", BASE);
        if (value & DCRST) stale = 0;
        eq_model_registers[ACR] = value;
    } else eq_model_refuse("a register that the driver has no business with", BASE + 4u * (uint32_t)r);
}

void eq_model_settle(void) {
    if (last >= BASE && last < BASE + 4 * REGISTERS) {
        const int r = (int)(last - BASE) / 4;
        const uint32_t busy_bit = r == SR && busy ? BSY : 0;
        if (shown[r] != (eq_model_registers[r] | busy_bit)) wrote(r, shown[r]);
        else if (r == SR && busy) busy--;
    } else if (last != none) half();
    last = none;
}

volatile uint32_t *eq_model_at(uint32_t address) {
    eq_model_settle();
    last = address;
    if (address >= EQ_BOARD_FLASH && address < EQ_BOARD_FLASH + BYTES) return &word[address / 4 % 2];
    const uint32_t r = (address - BASE) / 4;
    if (address < BASE || r >= REGISTERS) {
        static uint32_t nowhere;
        eq_model_refuse("an address of no register", address);
        last = none;
        return &nowhere;
    }
    shown[r] = eq_model_registers[r] | (r == SR && busy ? BSY : 0);
    return &shown[r];
}

void eq_model_interrupts(int on) { (void)on; }

/* After reset, with the caches that board.c turns on. */
int eq_model_reset(void) {
    memset(eq_model_registers, 0, sizeof eq_model_registers);
    eq_model_registers[ACR] = 7u << 8 | 5;
    eq_model_registers[CR] = LOCK;
    eq_model_registers[OPTR] = DBANK;
    keys = busy = stale = halves = 0;
    last = none;
    return eq_model_start();
}

/* Nothing is left open. */
int eq_model_at_rest(void) {
    eq_model_settle();
    return !busy && !stale && !halves && eq_model_registers[CR] == LOCK && eq_model_registers[ACR] == (7u << 8 | 5);
}
