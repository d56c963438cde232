/* What a test sees of the model of a chip's flash, 1 MiB that is mapped at EQ_BOARD_FLASH. */
#ifndef EQ_MODEL_H
#define EQ_MODEL_H
#include "board.h"
#include <stdint.h>

enum { BYTES = 1 << 20 };
extern char eq_model_violation[128];                             /* the first thing that the chip's manual does not allow */
extern uint32_t eq_model_erases, eq_model_words, eq_model_fails; /* done; 1: the next change does not come out */
int eq_model_start(void);                                        /* as it leaves the factory; 0: its address is taken */
void eq_model_settle(void);                                      /* the last access takes effect */
void eq_model_refuse(const char *what, uint32_t address);

#define FLASH ((uint8_t *)(uintptr_t)EQ_BOARD_FLASH)
#endif
