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
#define BAUD      115200u

void eq_board_start(void) {
    BAUDDIV = EQ_BOARD_HZ / BAUD;
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
