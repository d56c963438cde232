#include "panel.h"
#include <string.h>

/* A row as it is in panels: pieces of `real` bytes, each padded. */
struct shape {
    size_t pieces, real, padded;
};

static struct shape shape_of(const struct eq_panel *p) {
    const size_t pieces = p->joined ? 1 : p->parts, real = p->joined ? p->parts * p->k : p->k;
    return (struct shape){pieces, real, eq_gemm_k(p->kernel, real)};
}

/* Rows that take room. */
static size_t room(const struct eq_panel *p, size_t rows) {
    return rows == 1 ? 1 : (rows + p->kernel->mr - 1) / p->kernel->mr * p->kernel->mr;
}

static int gathers(const struct eq_panel *p) { return p->joined && p->parts > 1; }

size_t eq_panel_bytes(const struct eq_panel *p, size_t rows) {
    const struct shape s = shape_of(p);
    return room(p, rows) * s.pieces * s.padded + (gathers(p) ? s.real : 0);
}

/* `count` bytes in grains, each `step` bytes behind the one before; the last grain, if there is less of it, with zeros. */
EQ_INLINE uint8_t *spread(const uint8_t *from, size_t count, const size_t grain, size_t step, uint8_t *to) {
    enum { TOGETHER = 4 };
    for (; count >= TOGETHER * grain; count -= TOGETHER * grain)
        for (int i = 0; i < TOGETHER; i++, from += grain, to += step) memcpy(to, from, grain);
    for (; count >= grain; count -= grain, from += grain, to += step) memcpy(to, from, grain);
    if (count == 0) return to;
    memset(to, 0, grain);
    memcpy(to, from, count);
    return to + step;
}

static uint8_t *put(const struct shape *s, const uint8_t *from, size_t grain, size_t step, uint8_t *to) {
    to = grain == 8 ? spread(from, s->real, 8, step, to) : spread(from, s->real, 16, step, to);
    for (size_t at = (s->real + grain - 1) / grain * grain; at < s->padded; at += grain, to += step) memset(to, 0, grain);
    return to;
}

/* line: for the parts of a row that become one. */
static void put_row(const struct eq_panel *p, const struct shape *s, size_t row, size_t step, uint8_t *line, uint8_t *to) {
    const uint8_t *from = p->a + p->rows[row];
    if (gathers(p)) {
        for (size_t i = 0; i < p->parts; i++) memcpy(line + i * p->k, from + p->parts_at[i], p->k);
        put(s, line, p->kernel->grain, step, to);
        return;
    }
    for (size_t i = 0; i < p->parts; i++) to = put(s, from + p->parts_at[i], p->kernel->grain, step, to);
}

void eq_panel_fill(const struct eq_panel *p, size_t first, size_t count, uint8_t *to) {
    const struct shape s = shape_of(p);
    const size_t grain = p->kernel->grain, mr = count == 1 ? 1 : p->kernel->mr, bytes = s.pieces * s.padded;
    uint8_t *line = to + room(p, count) * bytes;
    for (size_t i = 0; i < count; i++) put_row(p, &s, first + i, mr * grain, line, to + i / mr * mr * bytes + i % mr * grain);
}
