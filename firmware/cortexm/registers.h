/* Registers of the processor itself: Armv6-M, Armv7-M and Armv8-M architecture reference manuals, chapter "System address map". */
#ifndef EQ_REGISTERS_H
#define EQ_REGISTERS_H
#include <stdint.h>

#define EQ_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define EQ_SYST_CSR     EQ_REGISTER(0xE000E010u)
#define EQ_SYST_RVR     EQ_REGISTER(0xE000E014u)
#define EQ_SYST_CVR     EQ_REGISTER(0xE000E018u)
#define EQ_SYST_ON      7u /* ENABLE, TICKINT, CLKSOURCE: the processor's clock */
#define EQ_NVIC_ISER(n) EQ_REGISTER(0xE000E100u + 4u * (n))
#define EQ_ICSR         EQ_REGISTER(0xE000ED04u)
#define EQ_ICSR_SYST    (1u << 26) /* PENDSTSET: SysTick's interrupt waits */
#define EQ_AIRCR        EQ_REGISTER(0xE000ED0Cu)
#define EQ_AIRCR_RESET  0x05FA0004u /* VECTKEY, SYSRESETREQ */
#define EQ_CPACR        EQ_REGISTER(0xE000ED88u)
#define EQ_CPACR_FPU    (0xFu << 20) /* CP10 and CP11: floating point and MVE */
#define EQ_FPCCR        EQ_REGISTER(0xE000EF34u)
#define EQ_FPCCR_LSPACT 1u

static inline void eq_barrier(void) { __asm volatile("dsb\n\tisb" ::: "memory"); }
static inline void eq_interrupts_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void eq_interrupts_on(void) { __asm volatile("cpsie i" ::: "memory"); }
static inline void eq_sleep(void) { __asm volatile("dsb\n\twfi" ::: "memory"); } /* until an interrupt waits, taken or not */
#endif
