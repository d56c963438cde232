/* A Cortex-M0 as QEMU's micro:bit has it: the only Armv6-M that it emulates. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "microbit"
#define EQ_BOARD_MACHINE          "Cortex-M0, emulated"
#define EQ_BOARD_HZ               16000000u
#define EQ_BOARD_SERIAL_INTERRUPT 2
#define EQ_BOARD_INTERRUPTS       32
#define EQ_BOARD_NMI              1
#endif
