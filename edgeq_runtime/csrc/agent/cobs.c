#include "eq_frame.h"

size_t eq_cobs_encode(uint8_t *out, const uint8_t *data, size_t size) {
    size_t code_at = 0, at = 1;
    uint8_t code = 1;
    for (size_t i = 0; i < size; i++) {
        if (data[i]) out[at++] = data[i], code++;
        /* A full group of 254 needs no group after it when it ends the data. */
        if (!data[i] || (code == 255 && i + 1 < size)) out[code_at] = code, code_at = at++, code = 1;
    }
    out[code_at] = code;
    return at;
}

ptrdiff_t eq_cobs_decode(uint8_t *out, const uint8_t *data, size_t size) {
    size_t at = 0, i = 0;
    if (size == 0) return -1;
    while (i < size) {
        uint8_t code = data[i++];
        if (code == 0 || (size_t)(code - 1) > size - i) return -1;
        for (uint8_t k = 1; k < code; k++) {
            if (data[i] == 0) return -1;
            out[at++] = data[i++];
        }
        if (code < 255 && i < size) out[at++] = 0;
    }
    return (ptrdiff_t)at;
}
