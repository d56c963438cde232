/* SHA-256 and CRC-32C, for the file, the link and the store. */
#ifndef EQ_HASH_H
#define EQ_HASH_H
#include <stddef.h>
#include <stdint.h>

struct eq_sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes taken so far */
    uint8_t block[64];
    void (*blocks)(uint32_t state[8], const uint8_t *data, size_t count); /* the best that the CPU has */
};
void eq_sha256_begin(struct eq_sha256 *sha);
void eq_sha256_add(struct eq_sha256 *sha, const void *data, size_t size);
void eq_sha256_end(struct eq_sha256 *sha, uint8_t digest[32]);
void eq_sha256(const void *data, size_t size, uint8_t digest[32]);

/* crc: of what came before, 0 at the start. */
uint32_t eq_crc32c(uint32_t crc, const void *data, size_t size);
#endif
