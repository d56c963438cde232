/* The UART of Arm's MPS2 and MPS3 boards, as QEMU emulates them: CMSDK APB UART, Arm DDI 0479 section 4.3. */
#include "cortexm.h"
#include "registers.h"

#define DATA      EQ_REGISTER(EQ_BOARD_UART + 0x00u)
#define STATE     EQ_REGISTER(EQ_BOARD_UART + 0x04u)
#define CTRL      EQ_REGISTER(EQ_BOARD_UART + 0x08u)
#define INTCLEAR  EQ_REGISTER(EQ_BOARD_UART + 0x0Cu)
#define BAUDDIV   EQ_REGISTER(EQ_BOARD_UART + 0x10u)
#define TX_FULL   1u
#define RX_FULL   2u
#define TX_ON     1u
#define RX_ON     2u
#define RX_IRQ_ON 8u
#define RX_IRQ    2u

/* The nearest to the baud that the divider gives. */
static uint32_t divider(uint32_t baud) { return (EQ_BOARD_HZ + baud / 2) / baud; }

/* Within 1.5 %: of the 5 % that half a bit in ten makes, the host's clock and the edges want the rest. What was written waits in the
 * register and behind it, where no flag tells of it: two bytes of ten bits. */
int eq_port_speed(uint32_t baud, int set) {
    const uint32_t by = divider(baud), off = by * baud > EQ_BOARD_HZ ? by * baud - EQ_BOARD_HZ : EQ_BOARD_HZ - by * baud;
    if (by < 16 || off > EQ_BOARD_HZ / 66) return -1;
    if (!set) return 0;
    const uint64_t end = eq_port_ticks() + 20 * (uint64_t)BAUDDIV;
    while (eq_port_ticks() < end) {
    }
    BAUDDIV = by;
    return 0;
}

void eq_board_start(void) {
    BAUDDIV = divider(EQ_LINE_BAUD);
    CTRL = TX_ON | RX_ON | RX_IRQ_ON;
    (void)DATA; /* QEMU keeps the first byte back for a second without it */
    EQ_NVIC_ISER(EQ_BOARD_SERIAL_INTERRUPT / 32) = 1u << EQ_BOARD_SERIAL_INTERRUPT % 32;
}

void eq_board_send(uint8_t byte) {
    while (STATE & TX_FULL) {
    }
    DATA = byte;
}

void eq_board_receive_interrupt(void) {
    INTCLEAR = RX_IRQ;
    while (STATE & RX_FULL) eq_serial_came((uint8_t)DATA);
}
