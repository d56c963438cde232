/* Arm MPS3 with AN547 as QEMU emulates it. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "qemu_mps3_an547"
#define EQ_BOARD_MACHINE          "Cortex-M55, emulated"
#define EQ_BOARD_HZ               32000000u
#define EQ_BOARD_UART             0x59303000u
#define EQ_BOARD_FLASH            0x70000000u
#define EQ_BOARD_SERIAL_INTERRUPT 33
#define EQ_BOARD_INTERRUPTS       64
#endif
