/* What the parts of a Cortex-M port share, and what a board adds. board.h is the board's: ports/README in firmware/README.md. */
#ifndef EQ_CORTEXM_H
#define EQ_CORTEXM_H
#include "agent/eq_flash.h"
#include "agent/eq_port.h"
#include "board.h"
#include <stddef.h>
#include <stdint.h>

/* Of the board. */
void eq_board_start(void);                    /* clocks, pins, and the serial line with its receive interrupt */
void eq_board_send(uint8_t byte);             /* waits until the line takes it */
void eq_board_receive_interrupt(void);        /* gives what came to eq_serial_came */
__attribute__((used)) int eq_board_nmi(void); /* where board.h has EQ_BOARD_NMI: 1 if the work may go on after this NMI */

extern const struct eq_flash eq_board_flash; /* the part of its flash that is the store's */

/* A byte that came, from the interrupt; what finds no room is lost, as on the line. */
void eq_serial_came(uint8_t byte);

/* SysTick, 100 times a second. */
void eq_time_start(void);

void eq_store_start(void);

/* An interrupt or fault of the processor: in start.c's table. */
void eq_reset(void);
void eq_systick_interrupt(void);
void eq_fault_interrupt(void);
void eq_nmi_interrupt(void);

/* Run work(argument, result) until it returns, a fault of the processor, or the deadline in ticks of SysTick's interrupt. 0, or the
 * enum eq_fault that ended it. */
int eq_guard_run(void (*work)(void *argument, void *result), void *argument, void *result, uint32_t limit_ms);
int eq_guard_late(void); /* of SysTick: whether what is guarded is over its time */
void eq_guard_leave(void);

/* From the linker script. */
extern uint32_t eq_stack_bottom[], eq_stack_top[];
extern uint8_t eq_pool_start[], eq_pool_end[];
#endif
