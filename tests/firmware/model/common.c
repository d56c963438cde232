#include "model.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

char eq_model_violation[128];
uint32_t eq_model_erases, eq_model_words, eq_model_fails;

void eq_model_refuse(const char *what, uint32_t address) {
    if (!eq_model_violation[0]) snprintf(eq_model_violation, sizeof eq_model_violation, "%s at %#x", what, (unsigned)address);
}

int eq_model_start(void) {
    static int mapped;
    if (!mapped) mapped = mmap(FLASH, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == FLASH;
    if (!mapped) return 0;
    memset(FLASH, 0xFF, BYTES);
    eq_model_violation[0] = 0;
    eq_model_erases = eq_model_words = eq_model_fails = 0;
    return 1;
}
