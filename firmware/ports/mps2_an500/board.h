/* Arm MPS2 with AN500 as QEMU emulates it. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "qemu_mps2_an500"
#define EQ_BOARD_MACHINE          "Cortex-M7, emulated"
#define EQ_BOARD_HZ               25000000u
#define EQ_BOARD_UART             0x40004000u
#define EQ_BOARD_FLASH            0x60000000u
#define EQ_BOARD_SERIAL_INTERRUPT 0
#define EQ_BOARD_INTERRUPTS       32
#endif
