/* Where the flash is read: RP2040 datasheet section 4.10 (SSI), W25Q16JV datasheet section 8.2 (instructions). */
#ifndef EQ_XIP_H
#define EQ_XIP_H
#include "registers.h"

#define SSI_CTRLR0        EQ_REGISTER(0x18000000u)
#define SSI_CTRLR1        EQ_REGISTER(0x18000004u)
#define SSI_SSIENR        EQ_REGISTER(0x18000008u)
#define SSI_BAUDR         EQ_REGISTER(0x18000014u)
#define SSI_RX_SAMPLE_DLY EQ_REGISTER(0x180000F0u)
#define SSI_SPI_CTRLR0    EQ_REGISTER(0x180000F4u)
#define TWO_LINES         (1u << 21)
#define WORDS             (31u << 16) /* a frame is 32 bits */
#define READ              (3u << 8)   /* instruction and address go out, then data comes in */
#define DUAL_OUTPUT       (0x3Bu << 24)
#define WAIT_8            (8u << 11)
#define INSTRUCTION_8     (2u << 8)
#define ADDRESS_24        (6u << 2) /* in units of 4 bits */

/* Reads of 0x10000000 on become Fast Read Dual Output (0x3B) at half the processor's clock: the fastest read that needs no setting of the
 * flash chip, and leaves none behind. Inlined: it is run where the flash cannot be read. */
static inline __attribute__((always_inline)) void eq_xip_start(void) {
    SSI_SSIENR = 0;
    SSI_BAUDR = 2;
    SSI_RX_SAMPLE_DLY = 1; /* a clock later: at that speed data comes late */
    SSI_CTRLR0 = TWO_LINES | WORDS | READ;
    SSI_CTRLR1 = 0; /* one frame */
    SSI_SPI_CTRLR0 = DUAL_OUTPUT | WAIT_8 | INSTRUCTION_8 | ADDRESS_24;
    SSI_SSIENR = 1;
}
#endif
