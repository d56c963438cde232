/* Stands before registers.h of a port: every register is one of the model's. */
#ifndef EQ_REGISTERS_H
#define EQ_REGISTERS_H
#include <stdint.h>
volatile uint32_t *eq_model_at(uint32_t address); /* what the access before did takes effect first */
void eq_model_interrupts(int on);
#define EQ_REGISTER(address) (*eq_model_at(address))
static inline void eq_interrupts_off(void) { eq_model_interrupts(0); }
static inline void eq_interrupts_on(void) { eq_model_interrupts(1); }
#endif
