#include "pack_b1.h"

static size_t up(size_t n, size_t to) { return (n + to - 1) / to * to; }

size_t eq_signs_bytes(const struct eq_kernel *kernel, size_t n, size_t parts, size_t bytes) {
    return up(up(n, kernel->nr) * parts * up(bytes, kernel->kr), EQ_ALIGN);
}

/* A step of nr channels, from word `first` of a channel on; `end` and up: zeros. */
static uint32_t *pack_step(const struct eq_kernel *kernel, size_t n, size_t block, size_t depth, size_t all, size_t first, size_t end,
                           const uint8_t *data, uint32_t *to) {
    const size_t words = eq_sign_words(depth), taps = all / words, step = kernel->kr / sizeof *to;
    for (size_t o = block; o < block + kernel->nr; o++)
        for (size_t i = first; i < first + step; i++, to++)
            if (o < n && i < end) *to = eq_signs_word(data, depth, o * taps + i / words, i % words);
    return to;
}

void eq_signs_pack(const struct eq_kernel *kernel, size_t n, size_t depth, size_t parts, size_t bytes, const uint8_t *data, void *packed) {
    const size_t words = bytes / sizeof(uint32_t), step = kernel->kr / sizeof(uint32_t);
    uint32_t *to = packed;
    memset(packed, 0, eq_signs_bytes(kernel, n, parts, bytes));
    for (size_t block = 0; block < n; block += kernel->nr)
        for (size_t p = 0; p < parts; p++)
            for (size_t i = 0; i < words; i += step)
                to = pack_step(kernel, n, block, depth, parts * words, p * words + i, (p + 1) * words, data, to);
}
