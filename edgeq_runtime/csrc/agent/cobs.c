/* Groups are found and moved as a whole: a byte at a time took as long as the CRC. */
#include "eq_frame.h"
#include <string.h>

#define FULL 254u /* bytes of a group that no zero ends */

size_t eq_cobs_encode(uint8_t *out, const uint8_t *data, size_t size) {
    size_t at = 0, i = 0;
    for (;;) {
        size_t left = size - i, most = left < FULL ? left : FULL;
        const uint8_t *zero = most ? memchr(data + i, 0, most) : NULL;
        size_t run = zero ? (size_t)(zero - (data + i)) : most;
        memmove(out + at + 1, data + i, run); /* the data may lie behind in the same memory */
        out[at] = (uint8_t)(run + 1);
        at += run + 1, i += run;
        if (zero) i++;
        /* A full group of 254 needs no group after it when it ends the data. */
        else if (i == size) return at;
    }
}

ptrdiff_t eq_cobs_decode(uint8_t *out, const uint8_t *data, size_t size) {
    size_t at = 0, i = 0;
    if (size == 0) return -1;
    while (i < size) {
        uint8_t code = data[i++];
        size_t run = (size_t)code - 1;
        if (code == 0 || run > size - i || (run && memchr(data + i, 0, run))) return -1;
        memmove(out + at, data + i, run);
        at += run, i += run;
        if (code < FULL + 1 && i < size) out[at++] = 0;
    }
    return (ptrdiff_t)at;
}
