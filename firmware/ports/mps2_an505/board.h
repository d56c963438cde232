/* Arm MPS2+ with AN505 as QEMU emulates it. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "qemu_mps2_an505"
#define EQ_BOARD_MACHINE          "Cortex-M33, emulated"
#define EQ_BOARD_HZ               20000000u
#define EQ_BOARD_UART             0x50200000u
#define EQ_BOARD_FLASH            0x80000000u
#define EQ_BOARD_SERIAL_INTERRUPT 32
#define EQ_BOARD_INTERRUPTS       64
#endif
