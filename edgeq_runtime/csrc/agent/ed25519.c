/* Verification of Ed25519 (RFC 8032 5.1.7, the equation with the cofactor): Monocypher's curve, SHA-512 in between. */
#include "../third_party/monocypher/monocypher.h"
#include "eq_trust.h"
#include <string.h>

int eq_ed25519_verify(const uint8_t signature[64], const uint8_t key[32], const void *message, size_t size) {
    const struct eq_bytes parts[] = {{signature, 32}, {key, 32}, {message, size}};
    uint8_t digest[64], h[32];
    eq_sha512(parts, 3, digest);
    crypto_eddsa_reduce(h, digest);
    return crypto_eddsa_check_equation(signature, key, h) ? -1 : 0;
}

/* y below 2^255 - 19: each point has one encoding. */
static int canonical(const uint8_t key[32]) {
    int ones = key[0] >= 0xed && (key[31] & 0x7f) == 0x7f;
    for (int i = 1; i < 31; i++) ones &= key[i] == 0xff;
    return !ones;
}

/* With R the neutral point and S = 0 the equation is 8 h A = 0: for h = 0 where A is a point at all, for h = 1 where its order is small. */
int eq_ed25519_key_ok(const uint8_t key[32]) {
    const uint8_t neutral[64] = {1};
    uint8_t h[32] = {0};
    if (!canonical(key) || crypto_eddsa_check_equation(neutral, key, h)) return 0;
    h[0] = 1;
    return crypto_eddsa_check_equation(neutral, key, h) != 0;
}
