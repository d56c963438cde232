/* Raspberry Pi Pico: RP2040 at 125 MHz, 2 MiB of flash; the serial line is UART0 on GP0 (sends) and GP1. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_ID               "raspberrypi_pico"
#define EQ_BOARD_MACHINE          "RP2040"
#define EQ_BOARD_HZ               125000000u
#define EQ_BOARD_FLASH            0x10100000u
#define EQ_BOARD_SERIAL_INTERRUPT 20
#define EQ_BOARD_INTERRUPTS       32
#endif
