/* sha256_sums [ISA]: SHA-256 of the messages on stdin, with the block function of that row of sha256.def, "portable", or what
 * eq_sha256_select gives; for test_sha256.py. A message: u32 count of pieces, then u32 size and the bytes of each. Writes the name of
 * the function, then 32 bytes a message. Ends with 3 where the CPU or the compiler's target does not have it. */
#include "eq_internal.h"
#include "hash/sha256.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAKE_0(name)
#define TAKE_1(name) {#name, eq_sha256__##name},
static const struct {
    const char *name;
    eq_sha256_blocks *blocks;
} known[] = {
#define EQ_SHA256(name, arch, check, flags) EQ_CAT(TAKE_, EQ_ON_##name)(name)
#include "sha256.def"
#undef EQ_SHA256
    {"portable", eq_sha256__portable},
};
enum { KNOWN = sizeof known / sizeof *known };

static uint32_t number(void) {
    uint32_t n;
    if (fread(&n, sizeof n, 1, stdin) != 1) exit(4);
    return n;
}

/* A buffer of exactly its size, so that a sanitizer sees a read beyond it. */
static void piece(struct eq_sha256 *sha) {
    uint32_t size = number();
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, stdin) != size) exit(5);
    eq_sha256_add(sha, data, size);
    free(data);
}

int main(int argc, char **argv) {
    eq_sha256_blocks *blocks = eq_sha256_select();
    size_t chosen = 0;
    while (chosen < KNOWN && (argc > 1 ? strcmp(known[chosen].name, argv[1]) != 0 : known[chosen].blocks != blocks)) chosen++;
    if (chosen == KNOWN || (blocks == eq_sha256__portable && known[chosen].blocks != blocks)) return 3;
    puts(known[chosen].name);
    for (uint32_t messages = number(); messages; messages--) {
        struct eq_sha256 sha;
        uint8_t digest[32];
        eq_sha256_begin(&sha);
        sha.blocks = known[chosen].blocks;
        for (uint32_t pieces = number(); pieces; pieces--) piece(&sha);
        eq_sha256_end(&sha, digest);
        fwrite(digest, sizeof digest, 1, stdout);
    }
    return 0;
}
