/* Division of 64 bits, which libgcc's __aeabi_uldivmod and __aeabi_ldivmod call: a bit at a time, in a tenth of the code of libgcc's own.
 * Of the operators that a chip has only a few divide so, once for many outputs. */
#include <stdint.h>

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *rest);

__attribute__((used)) uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *rest) {
    uint64_t left = 0;
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t carry = left >> 63;
        left = left << 1 | dividend >> 63;
        dividend <<= 1;
        if (!carry && left < divisor) continue;
        left -= divisor;
        dividend |= 1;
    }
    if (rest) *rest = left;
    return dividend;
}
