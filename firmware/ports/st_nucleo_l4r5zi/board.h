/* ST NUCLEO-L4R5ZI: STM32L4R5ZI at 120 MHz; the ST-LINK's serial port is LPUART1 on PG7 and PG8 (UM2179 section 6.8). */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "st_nucleo_l4r5zi"
#define EQ_BOARD_MACHINE          "STM32L4R5ZI"
#define EQ_BOARD_HZ               120000000u
#define EQ_BOARD_FLASH            0x08100000u
#define EQ_BOARD_SERIAL_INTERRUPT 70
#define EQ_BOARD_INTERRUPTS       96
#define EQ_BOARD_NMI              1
#endif
