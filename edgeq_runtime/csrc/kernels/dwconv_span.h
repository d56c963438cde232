/* Which of the columns that a stretch of pixels reads lie inside the lines. */
#ifndef EQ_KERNELS_DWCONV_SPAN_H
#define EQ_KERNELS_DWCONV_SPAN_H
#include "eq_kernels.h"

struct span {
    size_t columns, before, inside; /* all; those on the left of the lines; those in them */
    size_t at;                      /* elements of a line before the first one inside, and before channel c of it */
};

static inline size_t span_within(ptrdiff_t v, size_t most) { return v < 0 ? 0 : (size_t)v < most ? (size_t)v : most; }

/* Of `pixels` pixels from the first on. */
static inline struct span span_of(const struct eq_dwconv_s8_u8_s8 *d, size_t first, size_t pixels, size_t c) {
    const size_t columns = (pixels - 1) * d->stride_w + (d->kw - 1) * d->dilation_w + 1;
    const ptrdiff_t start = (ptrdiff_t)(first * d->stride_w) - (ptrdiff_t)d->pad_left;
    const size_t before = span_within(-start, columns), end = span_within((ptrdiff_t)d->columns - start, columns);
    return (struct span){columns, before, end > before ? end - before : 0, (size_t)(start + (ptrdiff_t)before) * d->channels + c};
}
#endif
