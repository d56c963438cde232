/* libFuzzer target of what a device does with an upload before it parses it: keys file, trailer, signature, counter (SPEC 5.6).
 * Byte 0 of the input says what is made right, byte 1 how many bytes are the file of keys, whose checksum is mended; the rest is the
 * upload. Whatever is admitted has a signature that verifies; what the device does not admit, it does not parse. */
#include "agent/eq_trust.h"
#include "eq_file.h"
#include "eq_hash.h"
#include <stdlib.h>
#include <string.h>

enum { TRAILER = 160, SIGNATURE = 92, KEYS_FILE = 140 };
enum { KEYS = 1, SHA = 2, CRC = 4, ID = 8 };

#define EXPECT(condition)                                                                                                                  \
    do {                                                                                                                                   \
        if (!(condition)) abort();                                                                                                         \
    } while (0)

static struct eq_bytes keys_file; /* data NULL: there is none */

static int map(void *context, const char *path, const void **data, size_t *size) {
    (void)context;
    EXPECT(!strcmp(path, ".keys"));
    if (!keys_file.data) return EQ_FAULT_missing;
    *data = keys_file.data;
    *size = keys_file.size;
    return 0;
}

static void unmap(void *context, const void *data, size_t size) { (void)context, (void)data, (void)size; }

static void store32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/* Exactly `size` bytes: one read beyond them is found. */
static uint8_t *copy(const uint8_t *data, size_t size) {
    uint8_t *out = NULL;
    EXPECT(!posix_memalign((void **)&out, 64, size ? size : 1));
    if (size) memcpy(out, data, size);
    return out;
}

static void mend(uint8_t *file, size_t size, const uint8_t *key, int how) {
    uint8_t digest[32];
    if (size < TRAILER) return;
    uint8_t *trailer = file + size - TRAILER;
    if (how & SHA) {
        memcpy(trailer, "EQMTRAIL", 8);
        store32(trailer + 16, (uint32_t)(size - TRAILER));
        eq_sha256(file, size - TRAILER, trailer + 24);
    }
    if (how & ID && key) {
        eq_sha256(key, 32, digest);
        memcpy(trailer + 64, digest, 16);
    }
    if (how & CRC) store32(trailer + 156, eq_crc32c(0, trailer, 156));
}

static void admitted(const uint8_t *file, size_t size, const struct eq_keys *keys, uint64_t counter, const struct eq_store_state *state) {
    struct eq_file found;
    int verified = 0;
    if (eq_keys_count(keys) == 0) {
        EXPECT(counter == 0);
        return;
    }
    EXPECT(eq_container_check(&found, file, size) == EQ_OK && counter == found.counter && counter && counter >= state->counter);
    const uint8_t *trailer = found.body + found.body_size;
    for (uint32_t i = 0; i < EQ_KEYS; i++)
        verified |= keys->places[i].name[0] && !eq_ed25519_verify(trailer + SIGNATURE, keys->places[i].bytes, trailer, SIGNATURE);
    EXPECT(verified);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct eq_store_ops ops = {.map = map, .unmap = unmap};
    struct eq_store_state state = {.counter = 5};
    struct eq_store_version version = {0};
    int32_t detail;
    struct eq_keys keys;
    uint64_t counter = 77;
    if (size < 2) return 0;
    const int how = data[0];
    size_t taken = data[1] < size - 2 ? data[1] : size - 2;
    uint8_t *key_bytes = copy(data + 2, taken), *file = copy(data + 2 + taken, size - 2 - taken);
    if (how & KEYS && taken == KEYS_FILE) {
        memcpy(key_bytes, "EQKEYS01", 8);
        store32(key_bytes + KEYS_FILE - 4, eq_crc32c(0, key_bytes, KEYS_FILE - 4));
    }
    keys_file = (struct eq_bytes){taken ? key_bytes : NULL, taken};
    version.size = size - 2 - taken;
    mend(file, version.size, taken >= 40 ? key_bytes + 8 : NULL, how);
    eq_sha256(file, version.size, version.sha256);
    int fault = eq_trust_admit(&ops, &state, &version, file, &counter, &detail);
    int readable = !eq_keys_read(&ops, &keys);
    EXPECT(fault ? counter == 0 && *eq_fault_text(fault) : readable);
    if (!fault) admitted(file, version.size, &keys, counter, &state);
    free(key_bytes);
    free(file);
    return 0;
}
