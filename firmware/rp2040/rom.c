#include "rom.h"

typedef void *lookup(const uint16_t *table, uint32_t code);

/* At 0x14 (memory.ld): where the table of functions lies, and two further on what looks a code up in it; addresses of 16 bits (RP2040
 * datasheet section 2.8.2). */
extern const uint16_t eq_rom_pointers[];

static void *find(char first, char second) {
    const uintptr_t table = eq_rom_pointers[0], look_up = eq_rom_pointers[2];
    return ((lookup *)look_up)((const uint16_t *)table, (uint32_t)(second << 8 | first));
}

struct eq_rom eq_rom_find(void) {
    return (struct eq_rom){(void (*)(void))find('I', 'F'), (void (*)(void))find('E', 'X'),
                           (void (*)(uint32_t, size_t, uint32_t, uint8_t))find('R', 'E'),
                           (void (*)(uint32_t, const uint8_t *, size_t))find('R', 'P'), (void (*)(void))find('F', 'C')};
}
