/* Clock and serial line of an STM32L4+: RM0432 chapters 5 (PWR), 6 (RCC), 8 (GPIO) and 50 (LPUART). */
#include "cortexm.h"
#include "registers.h"

#define RCC_CR       EQ_REGISTER(0x40021000u)
#define HSION        (1u << 8) /* 16 MHz, 1 % */
#define HSIRDY       (1u << 10)
#define PLLON        (1u << 24)
#define PLLRDY       (1u << 25)
#define RCC_CFGR     EQ_REGISTER(0x40021008u)
#define SW_PLL       3u
#define SWS          (3u << 2)
#define SWS_PLL      (3u << 2)
#define HPRE_2       (8u << 4) /* the processor at half the clock */
#define RCC_PLLCFGR  EQ_REGISTER(0x4002100Cu)
#define PLLSRC_HSI16 2u
#define PLLM(m)      (((m)-1u) << 4)
#define PLLN(n)      ((n) << 8)
#define PLLREN       (1u << 24) /* its output R, divided by 2 */
#define RCC_AHB2ENR  EQ_REGISTER(0x4002104Cu)
#define GPIOGEN      (1u << 6)
#define RCC_APB1ENR1 EQ_REGISTER(0x40021058u)
#define PWREN        (1u << 28)
#define RCC_APB1ENR2 EQ_REGISTER(0x4002105Cu)
#define LPUART1EN    1u
#define PWR_CR2      EQ_REGISTER(0x40007004u)
#define IOSV         (1u << 9) /* port G has a supply of its own, VDDIO2: without this it is isolated */
#define PWR_CR5      EQ_REGISTER(0x40007080u)
#define R1MODE       (1u << 8)
#define FLASH_ACR    EQ_REGISTER(0x40022000u)
#define LATENCY      15u
#define CACHES       (7u << 8) /* PRFTEN, ICEN, DCEN */

#define GPIOG_MODER EQ_REGISTER(0x48001800u)
#define GPIOG_AFRL  EQ_REGISTER(0x48001820u)
#define GPIOG_AFRH  EQ_REGISTER(0x48001824u)

#define UART_CR1 EQ_REGISTER(0x40008000u)
#define UART_ON  (1u << 29 | 1u << 5 | 1u << 3 | 1u << 2 | 1u) /* FIFOEN, RXFNEIE, TE, RE, UE */
#define UART_CR3 EQ_REGISTER(0x40008008u)
#define OVRDIS   (1u << 12) /* a byte that finds no room is lost, and nothing stops for it */
#define UART_BRR EQ_REGISTER(0x4000800Cu)
#define UART_ISR EQ_REGISTER(0x4000801Cu)
#define RXFNE    (1u << 5)
#define TXFNF    (1u << 7)
#define UART_RDR EQ_REGISTER(0x40008024u)
#define UART_TDR EQ_REGISTER(0x40008028u)
#define BAUD     115200u

enum { WAITS = 5 }; /* of the flash at 120 MHz in range 1: RM0432 table "number of wait states according to CPU clock" */

/* 16 MHz / 4 * 60 / 2. Above 80 MHz range 1 has to be boosted, and the way there leads over half the clock for a microsecond (section 6,
 * "System clock (SYSCLK) selection"). */
static void start_clock(void) {
    RCC_APB1ENR1 |= PWREN;
    (void)RCC_APB1ENR1; /* two cycles, until it has a clock */
    PWR_CR5 &= ~R1MODE;
    FLASH_ACR = CACHES | WAITS;
    while ((FLASH_ACR & LATENCY) != WAITS) {
    }
    RCC_CR |= HSION;
    while (!(RCC_CR & HSIRDY)) {
    }
    RCC_PLLCFGR = PLLSRC_HSI16 | PLLM(4u) | PLLN(60u) | PLLREN;
    RCC_CR |= PLLON;
    while (!(RCC_CR & PLLRDY)) {
    }
    RCC_CFGR = HPRE_2 | SW_PLL;
    while ((RCC_CFGR & SWS) != SWS_PLL) {
    }
    for (volatile int i = 0; i < 60; i++) {
    }
    RCC_CFGR = SW_PLL;
}

void eq_board_start(void) {
    start_clock();
    RCC_AHB2ENR |= GPIOGEN;
    RCC_APB1ENR2 |= LPUART1EN;
    PWR_CR2 |= IOSV;
    GPIOG_AFRL = (GPIOG_AFRL & ~(15u << 28)) | 8u << 28; /* PG7: AF8, LPUART1_TX */
    GPIOG_AFRH = (GPIOG_AFRH & ~15u) | 8u;               /* PG8: AF8, LPUART1_RX */
    GPIOG_MODER = (GPIOG_MODER & ~(15u << 14)) | 2u << 14 | 2u << 16;
    UART_BRR = (uint32_t)((256ull * EQ_BOARD_HZ + BAUD / 2) / BAUD);
    UART_CR3 = OVRDIS;
    UART_CR1 = UART_ON;
    EQ_NVIC_ISER(EQ_BOARD_SERIAL_INTERRUPT / 32) = 1u << EQ_BOARD_SERIAL_INTERRUPT % 32;
}

void eq_board_send(uint8_t byte) {
    while (!(UART_ISR & TXFNF)) {
    }
    UART_TDR = byte;
}

void eq_board_receive_interrupt(void) {
    while (UART_ISR & RXFNE) eq_serial_came((uint8_t)UART_RDR);
}
