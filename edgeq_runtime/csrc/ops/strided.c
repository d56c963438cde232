#include "strided.h"

typedef uint32_t __attribute__((may_alias)) word; /* any element of 4 bytes */
typedef uint16_t __attribute__((may_alias)) half; /* of 2 */

enum { TILE = 16 };

#define STRIDED(T)                                                                                                                         \
    static void gather_##T(T *restrict y, const T *x, size_t n, ptrdiff_t step) {                                                          \
        for (size_t i = 0; i < n; i++) y[i] = x[(ptrdiff_t)i * step];                                                                      \
    }                                                                                                                                      \
    /* y[r][c] = x[r + c step], tile by tile so that both sides stay in the cache */                                                       \
    static void turn_##T(T *restrict y, const T *x, size_t rows, size_t cols, ptrdiff_t step) {                                            \
        for (size_t r0 = 0; r0 < rows; r0 += TILE) {                                                                                       \
            const size_t r1 = rows - r0 < TILE ? rows : r0 + TILE;                                                                         \
            for (size_t c0 = 0; c0 < cols; c0 += TILE) {                                                                                   \
                const size_t n = cols - c0 < TILE ? cols - c0 : TILE;                                                                      \
                for (size_t r = r0; r < r1; r++) {                                                                                         \
                    gather_##T(y + r * cols + c0, x + (ptrdiff_t)r + (ptrdiff_t)c0 * step, n, step);                                       \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
STRIDED(uint8_t)
STRIDED(half)
STRIDED(word)

#define PLANE(T)                                                                                                                           \
    do {                                                                                                                                   \
        if (rows > 1) turn_##T((T *)(void *)y, (const T *)(const void *)x, rows, inner->dim, inner->step[0]);                              \
        else gather_##T((T *)(void *)y, (const T *)(const void *)x, inner->dim, inner->step[0]);                                           \
    } while (0)

static void plane(size_t size, uint8_t *y, const uint8_t *x, size_t rows, const struct eq_axis *inner) {
    if (rows == 1 && inner->step[0] == 1) memcpy(y, x, inner->dim * size);
    else if (size == 1) PLANE(uint8_t);
    else if (size == 2) PLANE(half);
    else PLANE(word);
}

void eq_copy_strided(struct eq_walk walk, size_t size, const uint8_t *x, uint8_t *y) {
    const struct eq_axis inner = eq_walk_pop(&walk);
    const bool turned = walk.rank > 0 && walk.axes[walk.rank - 1].step[0] == 1;
    const size_t rows = turned ? eq_walk_pop(&walk).dim : 1;
    do {
        plane(size, y, x + walk.at[0] * (ptrdiff_t)size, rows, &inner);
        y += rows * inner.dim * size;
    } while (eq_walk_next(&walk));
}
