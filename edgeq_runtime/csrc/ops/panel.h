/* Rows of activations laid side by side for kernels that take many at once: EQ_KERNEL_PANEL, eq_kernels.h. */
#ifndef EQ_OPS_PANEL_H
#define EQ_OPS_PANEL_H
#include "pack.h"

/* Rows as they lie: row i is `parts` pieces of k bytes, piece p from a + rows[i] + parts_at[p] on. The panels have the pieces as they are,
 * each rounded up, or joined to one. */
struct eq_panel {
    const struct eq_kernel *kernel;
    const uint8_t *a;
    const uint32_t *rows;
    const int32_t *parts_at;
    size_t parts, k;
    int joined;
};

/* Bytes of so many rows, and of what filling them needs. */
size_t eq_panel_bytes(const struct eq_panel *panel, size_t rows);
/* Rows first .. first + count - 1. */
void eq_panel_fill(const struct eq_panel *panel, size_t first, size_t count, uint8_t *to);
#endif
