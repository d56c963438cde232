#include "eq_kernels.h"

/* Kept scalar: baseline x86 has no vector reads of a table, and gcc's way around takes twice as long. */
void eq_lookup_s8_s8_s8__portable(const struct eq_lookup_s8_s8_s8 *d) {
    const int8_t *x = d->x, *middle = d->table + 128;
    int8_t *restrict y = d->y;
    for (size_t i = 0, n = d->n; i < n; i++) {
        y[i] = middle[x[i]];
        __asm__ volatile("");
    }
}
