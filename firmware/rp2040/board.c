/* Clock and serial line of an RP2040: its datasheet, sections 2.14 (resets), 2.15 (clocks), 2.16 (crystal), 2.18 (PLL), 2.19 (pins), 4.2
 * (UART, Arm's PL011). */
#include "cortexm.h"
#include "registers.h"

#define SET   0x2000u /* of an address: what is written sets bits */
#define CLEAR 0x3000u

#define RESETS_RESET 0x4000C000u
#define RESETS_DONE  EQ_REGISTER(0x4000C008u)
#define PARTS        (1u << 5 | 1u << 8 | 1u << 12 | 1u << 22) /* IO_BANK0, PADS_BANK0, PLL_SYS, UART0 */

#define CLK_REF_CTRL     EQ_REGISTER(0x40008030u)
#define CLK_REF_SELECTED EQ_REGISTER(0x40008038u)
#define REF_XOSC         2u
#define CLK_SYS_CTRL     EQ_REGISTER(0x4000803Cu)
#define CLK_SYS_SELECTED EQ_REGISTER(0x40008044u)
#define SYS_REF          0u
#define SYS_PLL          1u /* AUXSRC 0: PLL_SYS */
#define CLK_PERI_CTRL    EQ_REGISTER(0x40008048u)
#define PERI_SYS         (1u << 11) /* ENABLE; AUXSRC 0: as the processor */

#define XOSC_CTRL    EQ_REGISTER(0x40024000u)
#define XOSC_ON      (0xFABu << 12 | 0xAA0u) /* ENABLE, 1 to 15 MHz: the Pico's has 12 */
#define XOSC_STATUS  EQ_REGISTER(0x40024004u)
#define STABLE       (1u << 31)
#define XOSC_STARTUP EQ_REGISTER(0x4002400Cu)

#define PLL_CS    EQ_REGISTER(0x40028000u)
#define PLL_LOCK  (1u << 31)
#define PLL_PWR   (0x40028004u)
#define PLL_PD    1u
#define PLL_POST  (1u << 3)
#define PLL_VCO   (1u << 5)
#define PLL_FBDIV EQ_REGISTER(0x40028008u)
#define PLL_PRIM  EQ_REGISTER(0x4002800Cu)

#define GPIO0_CTRL EQ_REGISTER(0x40014004u)
#define GPIO1_CTRL EQ_REGISTER(0x4001400Cu)
#define FUNC_UART  2u
#define GPIO1_PAD  EQ_REGISTER(0x4001C008u)
#define PAD_UP     0x5Au /* IE, 4 mA, PUE, SCHMITT: a line that nobody drives is idle */

#define UART_DR    EQ_REGISTER(0x40034000u)
#define UART_FR    EQ_REGISTER(0x40034018u)
#define RXFE       (1u << 4)
#define TXFF       (1u << 5)
#define UART_IBRD  EQ_REGISTER(0x40034024u)
#define UART_FBRD  EQ_REGISTER(0x40034028u)
#define UART_LCR_H EQ_REGISTER(0x4003402Cu)
#define BYTES      0x70u /* 8 bits, queues of 32 */
#define UART_CR    EQ_REGISTER(0x40034030u)
#define UART_ON    0x301u /* RXE, TXE, UARTEN */
#define UART_IMSC  EQ_REGISTER(0x40034038u)
#define RX_EVENTS  (1u << 4 | 1u << 6) /* the queue is half full, or has waited for 32 bits */
#define BAUD       115200u
#define DIVISOR    ((EQ_BOARD_HZ * 4u + BAUD / 2) / BAUD) /* of the clock, in 1/64 of 16 */

/* 12 MHz * 125 / 6 / 2. The processor runs on the ring oscillator until the crystal is stable, and on the crystal until the PLL is. */
static void start_clock(void) {
    CLK_SYS_CTRL = SYS_REF;
    while (!(CLK_SYS_SELECTED & 1u << SYS_REF)) {
    }
    XOSC_STARTUP = 47; /* times 256 cycles: 1 ms */
    XOSC_CTRL = XOSC_ON;
    while (!(XOSC_STATUS & STABLE)) {
    }
    CLK_REF_CTRL = REF_XOSC;
    while (!(CLK_REF_SELECTED & 1u << REF_XOSC)) {
    }
    EQ_REGISTER(RESETS_RESET + SET) = PARTS;
    EQ_REGISTER(RESETS_RESET + CLEAR) = PARTS;
    while ((RESETS_DONE & PARTS) != PARTS) {
    }
    PLL_CS = 1; /* REFDIV */
    PLL_FBDIV = 125;
    EQ_REGISTER(PLL_PWR + CLEAR) = PLL_PD | PLL_VCO;
    while (!(PLL_CS & PLL_LOCK)) {
    }
    PLL_PRIM = 6u << 16 | 2u << 12;
    EQ_REGISTER(PLL_PWR + CLEAR) = PLL_POST;
    CLK_SYS_CTRL = SYS_PLL;
    while (!(CLK_SYS_SELECTED & 1u << SYS_PLL)) {
    }
    CLK_PERI_CTRL = PERI_SYS;
}

void eq_board_start(void) {
    start_clock();
    GPIO1_PAD = PAD_UP;
    GPIO0_CTRL = FUNC_UART;
    GPIO1_CTRL = FUNC_UART;
    UART_IBRD = DIVISOR / 64;
    UART_FBRD = DIVISOR % 64;
    UART_LCR_H = BYTES;
    UART_IMSC = RX_EVENTS;
    UART_CR = UART_ON;
    EQ_NVIC_ISER(0) = 1u << EQ_BOARD_SERIAL_INTERRUPT;
}

void eq_board_send(uint8_t byte) {
    while (UART_FR & TXFF) {
    }
    UART_DR = byte;
}

/* The reads end the interrupt, too. */
void eq_board_receive_interrupt(void) {
    while (!(UART_FR & RXFE)) eq_serial_came((uint8_t)UART_DR);
}
