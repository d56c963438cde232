#include "hash/sha256.h"
#include <string.h>

const uint32_t eq_sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint32_t big_endian(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void schedule(uint32_t w[64], const uint8_t *block) {
    for (int i = 0; i < 16; i++) w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

/* One round without moving the eight words: the caller renames them instead. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                                                                   \
    do {                                                                                                                                   \
        uint32_t t = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + eq_sha256_rounds[i] + w[i];               \
        d += t;                                                                                                                            \
        h = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));                                            \
    } while (0)

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t words[64];
    const uint32_t *w = words;
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    schedule(words, block);
    for (int i = 0; i < 64; i += 8) {
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        ROUND(e, f, g, h, a, b, c, d, i + 4);
        ROUND(d, e, f, g, h, a, b, c, i + 5);
        ROUND(c, d, e, f, g, h, a, b, i + 6);
        ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    const uint32_t added[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += added[i];
}

void eq_sha256__portable(uint32_t state[8], const uint8_t *data, size_t count) {
    for (; count; data += 64, count--) compress(state, data);
}

void eq_sha256_begin(struct eq_sha256 *sha) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, start, sizeof start);
    sha->size = 0;
    sha->blocks = eq_sha256_select();
}

void eq_sha256_add(struct eq_sha256 *sha, const void *data, size_t size) {
    const uint8_t *p = data;
    size_t used = (size_t)(sha->size % 64);
    sha->size += size;
    if (used) {
        size_t take = size < 64 - used ? size : 64 - used;
        memcpy(sha->block + used, p, take);
        p += take;
        size -= take;
        if (used + take < 64) return;
        sha->blocks(sha->state, sha->block, 1);
    }
    if (size >= 64) sha->blocks(sha->state, p, size / 64);
    if (size % 64) memcpy(sha->block, p + size / 64 * 64, size % 64);
}

void eq_sha256_end(struct eq_sha256 *sha, uint8_t digest[32]) {
    uint64_t bits = sha->size * 8;
    size_t used = (size_t)(sha->size % 64);
    sha->block[used++] = 0x80;
    if (used > 56) {
        memset(sha->block + used, 0, 64 - used);
        sha->blocks(sha->state, sha->block, 1);
        used = 0;
    }
    memset(sha->block + used, 0, 56 - used);
    for (int i = 0; i < 8; i++) sha->block[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
    sha->blocks(sha->state, sha->block, 1);
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void eq_sha256(const void *data, size_t size, uint8_t digest[32]) {
    struct eq_sha256 sha;
    eq_sha256_begin(&sha);
    eq_sha256_add(&sha, data, size);
    eq_sha256_end(&sha, digest);
}
