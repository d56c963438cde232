/* Functions of the boot ROM that change the flash: RP2040 datasheet section 2.8.3.1.3. Offsets are those of the flash. */
#ifndef EQ_ROM_H
#define EQ_ROM_H
#include <stddef.h>
#include <stdint.h>

struct eq_rom {
    void (*connect)(void);  /* its pins to the SSI */
    void (*exit_xip)(void); /* the SSI takes commands; nothing can be read where it lies any more */
    void (*erase)(uint32_t offset, size_t size, uint32_t block, uint8_t command); /* sectors of 4 KiB, and blocks with the command */
    void (*program)(uint32_t offset, const uint8_t *data, size_t size);           /* pages of 256 bytes */
    void (*flush)(void); /* forgets what was read ahead, and gives the chip's select line back to the SSI */
};
struct eq_rom eq_rom_find(void);
#endif
