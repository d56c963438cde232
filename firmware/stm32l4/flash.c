/* Bank 2 of the flash of an STM32L4+ with two banks (option DBANK, as delivered), while code runs in bank 1: RM0432 chapter 3. */
#include "agent/eq_flash.h"
#include "cortexm.h"
#include "registers.h"
#include <string.h>

enum { PAGES = 256, PAGE = 4096, WORD = 8 };

#define ACR    EQ_REGISTER(0x40022000u)
#define DCEN   (1u << 10)
#define DCRST  (1u << 12)
#define KEYR   EQ_REGISTER(0x40022008u)
#define KEY1   0x45670123u
#define KEY2   0xCDEF89ABu
#define SR     EQ_REGISTER(0x40022010u)
#define BSY    (1u << 16)
#define ERRORS 0xC3FAu /* OPERR, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR, MISERR, FASTERR, RDERR, OPTVERR: written 1 to clear */
#define CR     EQ_REGISTER(0x40022014u)
#define PG     1u
#define PER    (1u << 1)
#define PNB(n) ((n) << 3)
#define BKER   (1u << 11) /* the page is one of bank 2 */
#define STRT   (1u << 16)
#define LOCK   (1u << 31)
#define ECCR   EQ_REGISTER(0x40022018u)
#define ECCD   (1u << 31)
#define OPTR   EQ_REGISTER(0x40022020u)
#define DBANK  (1u << 22)

static void wait(void) {
    while (SR & BSY) {
    }
}

/* 0: the flash takes commands. With one bank its pages are other ones. */
static int begin(void) {
    if (!(OPTR & DBANK)) return EQ_FAULT_io;
    wait();
    SR = ERRORS;
    if (CR & LOCK) KEYR = KEY1, KEYR = KEY2;
    return 0;
}

/* What was read ahead of the change is forgotten. */
static int end(void) {
    const uint32_t failed = SR & ERRORS;
    CR = LOCK;
    ACR &= ~DCEN;
    ACR |= DCRST;
    ACR &= ~DCRST;
    ACR |= DCEN;
    return failed ? EQ_FAULT_io : 0;
}

static int erase(void *context, uint32_t offset, uint32_t size) {
    (void)context;
    if (offset % PAGE || size != PAGE || offset >= PAGES * PAGE) return EQ_FAULT_io;
    const int err = begin();
    if (err) return err;
    CR = PER | BKER | PNB(offset / PAGE);
    CR |= STRT;
    wait();
    return end();
}

static int program(void *context, uint32_t offset, const void *data, uint32_t size) {
    (void)context;
    if (offset % WORD || size % WORD || offset > PAGES * PAGE || size > PAGES * PAGE - offset) return EQ_FAULT_io;
    const int err = begin();
    if (err) return err;
    CR = PG;
    for (uint32_t i = 0; i < size && !(SR & ERRORS); i += WORD) {
        uint32_t word[2];
        memcpy(word, (const uint8_t *)data + i, WORD);
        EQ_REGISTER(EQ_BOARD_FLASH + offset + i) = word[0];
        EQ_REGISTER(EQ_BOARD_FLASH + offset + i + 4) = word[1];
        wait();
    }
    return end();
}

/* A word that a power cut tore cannot be mended: its read is an NMI, and goes on with any value. */
int eq_board_nmi(void) {
    const uint32_t torn = ECCR & ECCD;
    if (torn) ECCR = ECCD;
    return torn != 0;
}

static const struct eq_flash_sectors sectors[] = {{PAGES, PAGE}, {0, 0}};

const struct eq_flash eq_board_flash = {.base = (const uint8_t *)(uintptr_t)EQ_BOARD_FLASH,
                                        .sectors = sectors,
                                        .records = 2 * PAGE,
                                        .word = WORD,
                                        .write_once = 1,
                                        .erase = erase,
                                        .program = program};
