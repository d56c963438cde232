/* Whether a file may be installed, decided by its trailer alone: nothing of the body is parsed, only hashed. */
#include "../eq_file.h"
#include "../eq_has.h"
#include "eq_trust.h"
#include <string.h>

#if EQ_HAS(signing)
enum { T_KEY_ID = 64, T_SIGNATURE = 92 }; /* places in the trailer; what is signed lies before the signature */

static const struct eq_key *signer(const struct eq_keys *keys, const uint8_t *id) {
    uint8_t found[EQ_KEY_ID];
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        const struct eq_key *key = &keys->places[i];
        eq_key_id(key, found);
        if (key->name[0] && !memcmp(found, id, EQ_KEY_ID)) return key;
    }
    return NULL;
}

/* A file without a counter cannot be told from an older one: it counts as not signed. */
static int check_signature(const struct eq_keys *keys, const struct eq_file *file) {
    static const uint8_t none[EQ_KEY_ID];
    const uint8_t *trailer = file->body + file->body_size;
    if (!file->counter || !memcmp(trailer + T_KEY_ID, none, EQ_KEY_ID)) return EQ_FAULT_not_signed;
    const struct eq_key *key = signer(keys, trailer + T_KEY_ID);
    if (!key) return EQ_FAULT_unknown_key;
    return eq_ed25519_verify(trailer + T_SIGNATURE, key->bytes, trailer, T_SIGNATURE) ? EQ_FAULT_bad_signature : 0;
}

static int older(const struct eq_store_state *state, uint64_t counter, const uint8_t sha256[32]) {
    return counter < state->counter || (counter == state->counter && memcmp(sha256, state->counter_sha256, 32));
}

int eq_trust_admit(void *ops, const struct eq_store_state *state, const struct eq_store_version *file, const void *data, uint64_t *counter,
                   int32_t *detail) {
    struct eq_keys keys;
    struct eq_file found;
    *counter = 0;
    *detail = 0;
    int fault = eq_keys_read(ops, &keys);
    if (fault || eq_keys_count(&keys) == 0) return fault;
    *detail = eq_container_check(&found, data, (size_t)file->size);
    if (*detail) return EQ_FAULT_model;
    fault = check_signature(&keys, &found);
    if (!fault && state && older(state, found.counter, file->sha256)) fault = EQ_FAULT_older;
    if (!fault) *counter = found.counter;
    return fault;
}
#else
/* Without signatures there are no keys to enroll; where an agent with signatures has enrolled some, nothing is installed. */
int eq_trust_admit(void *ops, const struct eq_store_state *state, const struct eq_store_version *file, const void *data, uint64_t *counter,
                   int32_t *detail) {
    const struct eq_store_ops *store = ops;
    const void *keys;
    size_t size;
    (void)state, (void)file, (void)data;
    *counter = 0;
    *detail = 0;
    const int fault = store->map(store->context, ".keys", &keys, &size);
    if (!fault) store->unmap(store->context, keys, size);
    return fault == EQ_FAULT_missing ? 0 : fault ? fault : EQ_FAULT_not_verified;
}
#endif
