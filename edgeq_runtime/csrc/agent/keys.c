/* The enrolled keys: one file in the root of the store, replaced as a whole. */
#include "../eq_hash.h"
#include "eq_frame.h"
#include "eq_trust.h"
#include <string.h>

#define MAGIC_SIZE 8u
#define KEY_SIZE   (32u + EQ_KEY_NAME)
#define FILE_SIZE  (MAGIC_SIZE + EQ_KEYS * KEY_SIZE + 4u)

static const char magic[] = "EQKEYS01", proof_magic[] = "EQKEYPRF", path[] = ".keys", fresh_path[] = ".keys.new";

static int name_ok(const char *name) { return memchr(name, 0, EQ_KEY_NAME) && eq_store_name_ok(name); }

static int decode(struct eq_keys *keys, const uint8_t *data, size_t size) {
    if (size != FILE_SIZE || memcmp(data, magic, MAGIC_SIZE)) return EQ_FAULT_keys_file;
    if (eq_crc32c(0, data, FILE_SIZE - 4) != eq_load_u32(data + FILE_SIZE - 4)) return EQ_FAULT_keys_file;
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        struct eq_key *key = &keys->places[i];
        memcpy(key->bytes, data + MAGIC_SIZE + i * KEY_SIZE, 32);
        memcpy(key->name, data + MAGIC_SIZE + i * KEY_SIZE + 32, EQ_KEY_NAME);
        if (key->name[0] && !name_ok(key->name)) return EQ_FAULT_keys_file;
    }
    return 0;
}

int eq_keys_read(const struct eq_store_ops *ops, struct eq_keys *keys) {
    const void *data;
    size_t size;
    memset(keys, 0, sizeof *keys);
    int err = ops->map(ops->context, path, &data, &size);
#ifdef EQ_TRUSTED_KEY /* of a firmware: enrolled as long as nothing has been changed */
    if (err == EQ_FAULT_missing) keys->places[0] = (struct eq_key){{EQ_TRUSTED_KEY}, EQ_TRUSTED_NAME};
#endif
    if (err) return err == EQ_FAULT_missing ? 0 : err;
    err = decode(keys, data, size);
    ops->unmap(ops->context, data, size);
    return err;
}

static int write_keys(const struct eq_store_ops *ops, const struct eq_keys *keys) {
    uint8_t data[FILE_SIZE];
    memcpy(data, magic, MAGIC_SIZE);
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        memcpy(data + MAGIC_SIZE + i * KEY_SIZE, keys->places[i].bytes, 32);
        memcpy(data + MAGIC_SIZE + i * KEY_SIZE + 32, keys->places[i].name, EQ_KEY_NAME);
    }
    eq_store_u32(data + FILE_SIZE - 4, eq_crc32c(0, data, FILE_SIZE - 4));
    return eq_store_replace(ops, "", fresh_path, path, data, sizeof data);
}

void eq_key_id(const struct eq_key *key, uint8_t id[EQ_KEY_ID]) {
    uint8_t digest[32];
    eq_sha256(key->bytes, sizeof key->bytes, digest);
    memcpy(id, digest, EQ_KEY_ID);
}

uint32_t eq_keys_count(const struct eq_keys *keys) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < EQ_KEYS; i++) count += keys->places[i].name[0] != 0;
    return count;
}

/* The place of a key, or (NULL) the first that is free; EQ_KEYS: none. */
static uint32_t find(const struct eq_keys *keys, const uint8_t *bytes) {
    uint32_t i = 0;
    for (; i < EQ_KEYS; i++) {
        const struct eq_key *key = &keys->places[i];
        if (bytes ? key->name[0] && !memcmp(key->bytes, bytes, 32) : !key->name[0]) break;
    }
    return i;
}

void eq_key_proof(uint8_t proof[EQ_KEY_PROOF], const struct eq_key_change *change, const uint8_t nonce[32]) {
    memcpy(proof, proof_magic, 8);
    eq_store_u32(proof + 8, change->operation);
    memcpy(proof + 12, nonce, 32);
    memcpy(proof + 44, change->key.bytes, 32);
    memcpy(proof + 76, change->key.name, EQ_KEY_NAME);
}

static int proved(const struct eq_keys *keys, const struct eq_key_change *change, const uint8_t *nonce, struct eq_bytes signature) {
    uint8_t proof[EQ_KEY_PROOF];
    if (eq_keys_count(keys) == 0) return 1;
    if (!nonce || signature.size != 64) return 0;
    eq_key_proof(proof, change, nonce);
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        const struct eq_key *key = &keys->places[i];
        if (key->name[0] && !eq_ed25519_verify(signature.data, key->bytes, proof, sizeof proof)) return 1;
    }
    return 0;
}

static int apply(const struct eq_store_ops *ops, struct eq_keys *keys, const struct eq_key_change *change) {
    uint32_t at = find(keys, change->operation == EQ_KEY_REVOKE ? change->key.bytes : NULL);
    if (at == EQ_KEYS) return EQ_FAULT_keys_full;
    if (change->operation == EQ_KEY_REVOKE) memset(&keys->places[at], 0, sizeof keys->places[at]);
    else keys->places[at] = change->key;
    return write_keys(ops, keys);
}

static void note(const struct eq_store_ops *ops, uint32_t operation, const struct eq_key *key, int fault) {
    struct eq_store_version about = {0};
    int done = operation == EQ_KEY_REVOKE ? EQ_EVENT_key_revoked : EQ_EVENT_key_enrolled;
    eq_sha256(key->bytes, sizeof key->bytes, about.sha256);
    eq_store_note(ops, key->name, fault ? EQ_EVENT_key_failed : done, &about, fault, 0);
}

static int change_locked(const struct eq_store_ops *ops, const struct eq_key_change *change, const uint8_t *nonce,
                         struct eq_bytes signature) {
    struct eq_keys keys;
    int err = eq_keys_read(ops, &keys);
    if (err) return err;
    uint32_t at = find(&keys, change->key.bytes);
    if (change->operation == EQ_KEY_REVOKE && at == EQ_KEYS) return EQ_FAULT_key;
    if (change->operation == EQ_KEY_ENROLL && at < EQ_KEYS) return 0; /* nothing is to be agreed to */
    struct eq_key key = at < EQ_KEYS ? keys.places[at] : change->key;
    err = proved(&keys, change, nonce, signature) ? apply(ops, &keys, change) : EQ_FAULT_proof;
    note(ops, change->operation, &key, err);
    return err;
}

int eq_keys_change(const struct eq_store_ops *ops, const struct eq_key_change *change, const uint8_t *nonce, struct eq_bytes signature) {
    int enroll = change->operation == EQ_KEY_ENROLL;
    if (enroll && !(name_ok(change->key.name) && eq_ed25519_key_ok(change->key.bytes))) return EQ_FAULT_key;
    int err = ops->lock(ops->context);
    if (err) return err;
    err = change_locked(ops, change, nonce, signature);
    ops->unlock(ops->context);
    return err;
}
