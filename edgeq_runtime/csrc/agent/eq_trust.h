/* Keys that are enrolled on the device, and what a signed file must be to be installed there. SPEC.md 3.1 and 5.7 are the contract.
 * Functions return 0 or an enum eq_fault unless said otherwise. Nothing is allocated. */
#ifndef EQ_TRUST_H
#define EQ_TRUST_H
#include "eq_store.h"

#define EQ_KEYS      2u   /* places: one key is rotated by the other */
#define EQ_KEY_NAME  32u  /* bytes of a key's name with its end */
#define EQ_KEY_ID    16u  /* bytes of its id */
#define EQ_KEY_PROOF 108u /* bytes that an enrolled key signs for a change of keys */

/* SHA-512 of the parts one after the other. */
void eq_sha512(const struct eq_bytes *parts, int count, uint8_t digest[64]);
/* 0: the signature is of that key over the message; else -1. In constant memory. */
int eq_ed25519_verify(const uint8_t signature[64], const uint8_t key[32], const void *message, size_t size);
/* A point of the curve, in its one encoding, of no small order: such a key would accept signatures of anybody. */
int eq_ed25519_key_ok(const uint8_t key[32]);

struct eq_key {
    uint8_t bytes[32];
    char name[EQ_KEY_NAME]; /* "": the place is free */
};
struct eq_keys {
    struct eq_key places[EQ_KEYS];
};
/* No file, no keys. EQ_FAULT_keys_file where it is damaged: nothing is installed then. */
int eq_keys_read(const struct eq_store_ops *ops, struct eq_keys *keys);
/* By which a signed file names it: the beginning of its SHA-256. */
void eq_key_id(const struct eq_key *key, uint8_t id[EQ_KEY_ID]);
uint32_t eq_keys_count(const struct eq_keys *keys);

enum eq_key_operation { EQ_KEY_ENROLL = 1, EQ_KEY_REVOKE = 2 };
struct eq_key_change {
    uint32_t operation;
    struct eq_key key; /* to revoke: its name is empty */
};
/* The bytes to be signed. nonce: fresh, of this device, used once. */
void eq_key_proof(uint8_t proof[EQ_KEY_PROOF], const struct eq_key_change *change, const uint8_t nonce[32]);
/* Where a key is enrolled, `signature` has to be one of its own over the proof (nonce NULL: there is none). To enroll a key that is there
 * changes nothing, and needs none. */
int eq_keys_change(const struct eq_store_ops *ops, const struct eq_key_change *change, const uint8_t *nonce, struct eq_bytes signature);

/* The eq_store_admit of devices; its context is the const struct eq_store_ops, state NULL: no name, no counter. detail: an eq_status where
 * the fault is `model`. Without enrolled keys every file passes, and counter is 0. */
int eq_trust_admit(void *ops, const struct eq_store_state *state, const struct eq_store_version *file, const void *data, uint64_t *counter,
                   int32_t *detail);
#endif
