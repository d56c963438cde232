/* What the compiler and csrc call of the C library. */
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) word;

static int together(const void *a, const void *b) { return (((uintptr_t)a | (uintptr_t)b) & 3) == 0; }

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (together(to, from))
        for (; size >= 4; size -= 4, out += 4, in += 4) *(word *)(void *)out = *(const word *)(const void *)in;
    for (; size; size--) *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + size) return memcpy(to, from, size);
    for (; size; size--) out[size - 1] = in[size - 1];
    return to;
}

void *memset(void *to, int value, size_t size) {
    uint8_t *out = to;
    const uint32_t all = (uint8_t)value * 0x01010101u;
    for (; size && (uintptr_t)out & 3; size--) *out++ = (uint8_t)value;
    for (; size >= 4; size -= 4, out += 4) *(word *)(void *)out = all;
    for (; size; size--) *out++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q) return *p - *q;
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}
