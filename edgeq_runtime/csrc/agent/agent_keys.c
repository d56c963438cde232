/* Commands that list and change the enrolled keys. */
#include "eq_agent.h"
#include "eq_trust.h"
#include <string.h>

static eq_wire_hash hash(const uint8_t bytes[32]) {
    eq_wire_hash out;
    memcpy(out.bytes, bytes, 32);
    return out;
}

EQ_HANDLER(keys) {
    char name[EQ_STORE_NAME];
    struct eq_store_state state;
    struct eq_keys keys;
    int fault = eq_keys_read(eq_port_store(), &keys);
    if (fault) return fault;
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        const struct eq_key *key = &keys.places[i];
        if (key->name[0] && EQ_SEND(agent, key, (uint8_t)(i + 1), hash(key->bytes), eq_text(key->name))) return -1;
    }
    if (message->name.size) {
        if (!eq_text_copy(name, sizeof name, message->name)) return EQ_FAULT_name;
        fault = eq_store_read(eq_port_store(), name, &state);
        if (fault && fault != EQ_FAULT_missing) return fault;
        if (EQ_SEND(agent, committed, state.counter, hash(state.counter_sha256))) return -1;
    }
    return eq_agent_done(agent);
}

EQ_HANDLER_PLAIN(challenge) {
    agent->nonce_ok = !eq_port_random(agent->nonce, sizeof agent->nonce);
    return agent->nonce_ok ? EQ_SEND(agent, nonce, hash(agent->nonce)) : EQ_FAULT_io;
}

/* A nonce is for one try. */
static int change(struct eq_agent *agent, const struct eq_key_change *change, struct eq_bytes signature) {
    int fault = eq_keys_change(eq_port_store(), change, agent->nonce_ok ? agent->nonce : NULL, signature);
    agent->nonce_ok = 0;
    return fault ? fault : eq_agent_done(agent);
}

EQ_HANDLER(enroll) {
    struct eq_key_change wanted = {EQ_KEY_ENROLL, {{0}, ""}};
    memcpy(wanted.key.bytes, message->public_key.bytes, 32);
    if (!eq_text_copy(wanted.key.name, sizeof wanted.key.name, message->name)) return EQ_FAULT_key;
    return change(agent, &wanted, message->signature);
}

EQ_HANDLER(revoke) {
    struct eq_key_change wanted = {EQ_KEY_REVOKE, {{0}, ""}};
    memcpy(wanted.key.bytes, message->public_key.bytes, 32);
    return change(agent, &wanted, message->signature);
}
