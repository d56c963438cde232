/* Signs as bits, 1 for -1 (SPEC 3.2): rows of 32-bit words that are computed, and constants, bit after bit. */
#ifndef EQ_SIGNS_H
#define EQ_SIGNS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words of a row. */
static inline size_t eq_sign_words(size_t count) { return (count + 31) / 32; }

/* `count` bits, at most 32, of a constant, from bit `at` on; not a byte beyond them is read. */
static inline uint32_t eq_sign_bits(const uint8_t *data, size_t at, size_t count) {
    uint64_t v = 0;
    if (at % 32 == 0 && count == 32) {
        uint32_t word;
        memcpy(&word, data + at / 8, sizeof word);
        return word;
    }
    for (size_t first = at / 8, i = (at + count + 7) / 8; i-- > first;) v = v << 8 | data[i];
    return (uint32_t)(v >> at % 8) & (uint32_t)((UINT64_C(1) << count) - 1);
}

/* How many bits are 1. */
static inline uint32_t eq_sign_count(uint32_t v) {
    v -= v >> 1 & 0x55555555u;
    v = (v & 0x33333333u) + (v >> 2 & 0x33333333u);
    return ((v + (v >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}
#endif
