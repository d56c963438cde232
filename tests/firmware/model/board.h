/* The flash of a model: EQ_BOARD_FLASH, an address that is free on the machine of the tests, comes with the compiler's options. */
#ifndef EQ_BOARD_H
#define EQ_BOARD_H
#define EQ_BOARD_NMI 1
#endif
