/* The input of a convolution as bands: the lines that a few output rows read, padded, so that every window lies in memory at the same
 * distances from its first tap. A transposed convolution becomes one of stride 1 over an input with padding between its pixels.
 * Distances are in elements. */
#ifndef EQ_OPS_BAND_H
#define EQ_OPS_BAND_H
#include "eq_kernels.h"
#include "window.h"

struct eq_band {
    struct eq_window window; /* a plain one as a column of pixels */
    size_t rows;             /* output rows of a whole band */
    size_t line, lines;      /* length of a line, and lines of a whole band */
    size_t parts, k;         /* pieces of a window that lie together, and inputs of each */
};

/* What a band may take of `most` elements: a microcontroller has little memory, and no cache that a larger band would serve. */
static inline size_t eq_band_most(const struct eq_kernel *kernel, size_t most) {
    return kernel->isa == EQ_ISA_cortexm_dsp || kernel->isa == EQ_ISA_cortexm_mve ? most / 8 : most;
}

/* Whether a line and the lines of two rows are so few that sums and products of eq_band_of stay in range: asked first. */
bool eq_band_fits(const struct eq_window *window);
/* The most output rows that fit in about `most` elements, `written` of them for each pixel of output, and 512 pixels; at least one. Single
 * pixels are so many that `together` divides them. */
struct eq_band eq_band_of(const struct eq_window *w, size_t most, size_t written, size_t together);
static inline size_t eq_band_pixels(const struct eq_band *b) { return b->rows * (size_t)b->window.ow; }

/* rows[pixels]: where the window of each pixel of a band begins. parts[parts]: where each part lies from there. */
void eq_band_places(const struct eq_band *b, uint32_t *rows, int32_t *parts);
/* The band of `rows` output rows from oy on of image n, padded with x_zero; both plus 128 where it is not signed. */
void eq_band_fill(const struct eq_band *b, int is_signed, const int8_t *x, int32_t x_zero, eq_dim n, eq_dim oy, size_t rows, uint8_t *band);
#endif
