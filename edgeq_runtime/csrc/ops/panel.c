#include "panel.h"
#include <string.h>

/* Of a row, as it is in panels. */
static size_t row_bytes(const struct eq_panel *p) {
    return p->joined ? eq_gemm_k(p->kernel, p->parts * p->k) : p->parts * eq_gemm_k(p->kernel, p->k);
}

/* Rows that take room. */
static size_t padded(const struct eq_panel *p, size_t rows) {
    return rows == 1 ? 1 : (rows + p->kernel->mr - 1) / p->kernel->mr * p->kernel->mr;
}

size_t eq_panel_bytes(const struct eq_panel *p, size_t rows) {
    return padded(p, rows) * row_bytes(p) + (p->joined && p->parts > 1 ? p->parts * p->k : 0);
}

/* Whole grains, each `step` bytes behind the one before. */
EQ_INLINE uint8_t *spread(const uint8_t *from, size_t count, const size_t grain, size_t step, uint8_t *to) {
    for (; count >= grain; count -= grain, from += grain, to += step) memcpy(to, from, grain);
    return to;
}

/* A piece, with zeros behind it up to a whole step of the kernel. */
static uint8_t *put(const struct eq_kernel *kernel, const uint8_t *from, size_t count, size_t step, uint8_t *to) {
    const size_t grain = kernel->grain, rest = count % grain;
    to = grain == 8 ? spread(from, count, 8, step, to) : spread(from, count, 16, step, to);
    for (size_t left = eq_gemm_k(kernel, count) - (count - rest), real = rest; left > 0; left -= grain, real = 0, to += step) {
        memset(to, 0, grain);
        memcpy(to, from + count - rest, real);
    }
    return to;
}

static void put_row(const struct eq_panel *p, size_t row, size_t step, uint8_t *line, uint8_t *to) {
    const uint8_t *from = p->a + p->rows[row];
    if (!p->joined || p->parts == 1) {
        for (size_t i = 0; i < p->parts; i++) to = put(p->kernel, from + p->parts_at[i], p->k, step, to);
        return;
    }
    for (size_t i = 0; i < p->parts; i++) memcpy(line + i * p->k, from + p->parts_at[i], p->k);
    put(p->kernel, line, p->parts * p->k, step, to);
}

void eq_panel_fill(const struct eq_panel *p, size_t first, size_t count, uint8_t *to) {
    const size_t grain = p->kernel->grain, mr = count == 1 ? 1 : p->kernel->mr, bytes = row_bytes(p);
    uint8_t *line = to + padded(p, count) * bytes;
    for (size_t i = 0; i < count; i++) put_row(p, first + i, mr * grain, line, to + i / mr * mr * bytes + i % mr * grain);
}
