/* Fill a contiguous tensor with elements that lie at strides: transpose, slice, expand. */
#ifndef EQ_STRIDED_H
#define EQ_STRIDED_H
#include "walk.h"

/* walk: the axes of y, step[0] the distance in x of neighbours along it; x: the element of index 0; size: 1, 2 or 4 bytes an element. */
void eq_copy_strided(struct eq_walk walk, size_t size, const uint8_t *x, uint8_t *y);
#endif
