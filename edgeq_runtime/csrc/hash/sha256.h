/* Block functions of SHA-256: all give the same state. The list sha256.def declares, for each row, eq_sha256__<name>. */
#ifndef EQ_HASH_SHA256_H
#define EQ_HASH_SHA256_H
#include "../eq_hash.h"

/* Takes `count` blocks of 64 bytes into the state. */
typedef void eq_sha256_blocks(uint32_t state[8], const uint8_t *data, size_t count);

eq_sha256_blocks eq_sha256__portable;
#define EQ_SHA256(name, arch, check, flags) eq_sha256_blocks eq_sha256__##name;
#include "../sha256.def"
#undef EQ_SHA256

eq_sha256_blocks *eq_sha256_select(void); /* what this CPU has; it asks the CPU every time, which takes microseconds */

extern const uint32_t eq_sha256_rounds[64]; /* the constant of each round */
#endif
