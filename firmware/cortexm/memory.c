/* What the compiler and csrc call of the C library. */
#include <stdint.h>
#include <string.h>

#pragma GCC optimize("no-tree-loop-distribute-patterns") /* which would make the loop of memset a call of memset */

#define KEPT __attribute__((used)) /* also where the compiler makes calls of it after it has seen that nobody does */

typedef uint32_t __attribute__((may_alias)) word;

#if __ARM_FEATURE_MVE
/* 16 bytes at a time, of any alignment; the last ones by tail predication. */
KEPT void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    uint8_t *out = to;
    __asm volatile("wlstp.8 lr, %2, 2f\n1:\n\tvldrb.8 q0, [%1], #16\n\tvstrb.8 q0, [%0], #16\n\tletp lr, 1b\n2:"
                   : "+r"(out), "+r"(from)
                   : "r"(size)
                   : "lr", "q0", "memory");
    return to;
}

KEPT void *memset(void *to, int value, size_t size) {
    uint8_t *out = to;
    __asm volatile("vdup.8 q0, %2\n\twlstp.8 lr, %1, 2f\n1:\n\tvstrb.8 q0, [%0], #16\n\tletp lr, 1b\n2:"
                   : "+r"(out)
                   : "r"(size), "r"(value)
                   : "lr", "q0", "memory");
    return to;
}
#else
static int together(const void *a, const void *b) { return (((uintptr_t)a | (uintptr_t)b) & 3) == 0; }

KEPT void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (together(to, from))
        for (; size >= 4; size -= 4, out += 4, in += 4) *(word *)(void *)out = *(const word *)(const void *)in;
    for (; size; size--) *out++ = *in++;
    return to;
}

KEPT void *memset(void *to, int value, size_t size) {
    uint8_t *out = to;
    const uint32_t all = (uint8_t)value * 0x01010101u;
    for (; size && (uintptr_t)out & 3; size--) *out++ = (uint8_t)value;
    for (; size >= 4; size -= 4, out += 4) *(word *)(void *)out = all;
    for (; size; size--) *out++ = (uint8_t)value;
    return to;
}
#endif

KEPT void *memmove(void *to, const void *from, size_t size) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + size) return memcpy(to, from, size);
    for (; size; size--) out[size - 1] = in[size - 1];
    return to;
}

KEPT int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q) return *p - *q;
    return 0;
}

KEPT size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}

KEPT int strcmp(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}
