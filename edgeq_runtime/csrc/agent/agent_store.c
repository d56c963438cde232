/* Commands that change or list what is installed. */
#include "../eq_hash.h"
#include "eq_agent.h"
#include "eq_trust.h"
#include <string.h>

void eq_agent_drop_upload(struct eq_agent *agent) {
    eq_store_abort(&agent->upload);
    agent->put_target = agent->put_current = 0;
}

void eq_agent_drop_loaded(struct eq_agent *agent) {
    if (agent->loaded && agent->model.model && !agent->model.stored.data) eq_agent_drop_model(agent);
    eq_port_free(agent->loaded);
    agent->loaded = NULL;
    agent->loaded_ok = 0;
}

static int put_memory(struct eq_agent *agent, const struct eq_msg_put *message) {
    eq_agent_drop_loaded(agent);
    if (message->size == 0 || message->size > SIZE_MAX / 2) return EQ_FAULT_argument;
    agent->loaded = eq_port_alloc((size_t)message->size);
    if (!agent->loaded) return EQ_FAULT_memory;
    agent->loaded_size = message->size;
    agent->loaded_fill = 0;
    agent->loaded_sha256 = message->sha256;
    return 0;
}

EQ_HANDLER(put) {
    char name[EQ_STORE_NAME];
    int current = 0, fault = 0;
    eq_agent_drop_upload(agent);
    if (message->target == EQ_PUT_MEMORY) {
        fault = put_memory(agent, message);
    } else if (message->target == EQ_PUT_STORE) {
        if (!eq_text_copy(name, sizeof name, message->name)) return EQ_FAULT_name;
        fault = eq_store_begin(&agent->upload, eq_port_store(), name, message->size, message->sha256.bytes, &current);
    } else {
        fault = EQ_FAULT_argument;
    }
    if (fault) return fault;
    agent->put_target = current ? 0 : message->target;
    agent->put_current = current;
    return EQ_SEND(agent, ready, (uint8_t)current, current ? agent->upload.wanted.version : 0, agent->upload.offset);
}

static uint16_t look(const char *name, const struct eq_store_version *version) {
    return version->version ? (uint16_t)eq_store_look(eq_port_store(), name, version) : 0;
}

/* What a put of this file to the store would be answered; nothing is changed. */
EQ_HANDLER(seek) {
    const struct eq_store_ops *ops = eq_port_store();
    char name[EQ_STORE_NAME];
    struct eq_store_state state;
    struct eq_store_version wanted = {.size = message->size};
    memcpy(wanted.sha256, message->sha256.bytes, 32);
    if (!eq_text_copy(name, sizeof name, message->name) || !eq_store_name_ok(name)) return EQ_FAULT_name;
    int fault = eq_store_read(ops, name, &state);
    if (fault && fault != EQ_FAULT_missing) return fault;
    const struct eq_store_version *now = &state.versions[0];
    int current = !fault && now->version && now->size == wanted.size && !memcmp(now->sha256, wanted.sha256, 32) && !look(name, now);
    return EQ_SEND(agent, ready, (uint8_t)current, current ? now->version : 0, current ? wanted.size : eq_store_offset(ops, name, &wanted));
}

static int take_data(struct eq_agent *agent, const struct eq_msg_data *message) {
    if (agent->put_target == EQ_PUT_STORE) return eq_store_write(&agent->upload, message->offset, message->bytes.data, message->bytes.size);
    if (agent->put_target != EQ_PUT_MEMORY || message->offset != agent->loaded_fill) return EQ_FAULT_order;
    if (message->bytes.size > agent->loaded_size - agent->loaded_fill) return EQ_FAULT_too_long;
    memcpy(agent->loaded + agent->loaded_fill, message->bytes.data, message->bytes.size);
    agent->loaded_fill += message->bytes.size;
    return 0;
}

/* Data is not answered; the first that fails ends the upload with one error, and what was on its way is passed over. */
EQ_HANDLER(data) {
    if (agent->put_failed) return 0;
    int fault = take_data(agent, message);
    if (!fault) return 0;
    agent->put_failed = 1;
    eq_agent_drop_upload(agent);
    return fault;
}

/* It will be parsed and run: a key has to have signed it, too. No name is given up to an older one, so the counter is not asked for. */
static int end_memory(struct eq_agent *agent, void *ops) {
    struct eq_store_version file = {.size = agent->loaded_size};
    uint64_t counter;
    agent->put_target = 0;
    if (agent->loaded_fill != agent->loaded_size) return EQ_FAULT_order;
    eq_sha256(agent->loaded, (size_t)agent->loaded_size, file.sha256);
    int differs = memcmp(file.sha256, agent->loaded_sha256.bytes, 32);
    int fault = differs ? EQ_FAULT_hash : eq_trust_admit(ops, NULL, &file, agent->loaded, &counter, &agent->detail);
    agent->loaded_ok = !fault;
    return fault;
}

/* An upload has filled the window: an agent that then runs a model for hours need not keep it. */
static void give_back_window(struct eq_agent *agent) {
    size_t size;
    void *memory = eq_link_spare(agent->link, &size);
    if (memory) eq_port_unused(memory, size);
}

EQ_HANDLER_PLAIN(end) {
    if (agent->put_failed) return 0;
    give_back_window(agent);
    void *ops = (void *)(uintptr_t)eq_port_store(); /* the context of eq_trust_admit, which only reads */
    int fault = agent->put_target == EQ_PUT_STORE    ? eq_store_finish(&agent->upload, eq_trust_admit, ops, &agent->detail)
                : agent->put_target == EQ_PUT_MEMORY ? end_memory(agent, ops)
                                                     : EQ_FAULT_order;
    if (fault) {
        eq_agent_drop_upload(agent);
        return fault;
    }
    return eq_agent_done(agent);
}

static eq_wire_hash hash_of(const struct eq_store_version *version) {
    eq_wire_hash hash;
    memcpy(hash.bytes, version->sha256, 32);
    return hash;
}

struct check {
    struct eq_agent *agent;
    struct eq_health health;
    uint32_t limit_ms;
};

static int run_check(void *context, const void *data, size_t size, int32_t *detail) {
    struct check *check = context;
    int fault = eq_agent_health(&check->health, data, size, check->agent->info.isas, check->limit_ms, eq_agent_alive, check->agent);
    *detail = check->agent->detail = check->health.detail;
    return !fault && eq_agent_gone(check->agent) ? EQ_FAULT_host_gone : fault; /* the switch comes next */
}

/* After a put that found the file installed, only how many versions stay can change. */
static int commit(struct eq_agent *agent, struct check *check, uint32_t keep, struct eq_store_version *now) {
    struct eq_store_state *state = &agent->upload.state; /* of no upload now */
    int fault = EQ_FAULT_order;
    if (agent->put_target == EQ_PUT_STORE) {
        *now = agent->upload.wanted;
        fault = eq_store_commit(&agent->upload, keep, run_check, check, &now->version);
    } else if (agent->put_current && keep) {
        fault = eq_store_keep(eq_port_store(), agent->upload.name, keep, state);
        *now = state->versions[0];
    }
    agent->put_target = agent->put_current = 0;
    return fault;
}

EQ_HANDLER(commit) {
    struct check check = {agent, {0}, message->limit_ms};
    struct eq_store_version now = {0};
    int fault = commit(agent, &check, message->keep, &now);
    return fault ? fault : EQ_SEND(agent, installed, now.version, hash_of(&now), check.health.variants);
}

/* A model: what an older host knows of it, then, where it is asked for, every version. */
static int send_model(struct eq_agent *agent, const char *name, int retained) {
    struct eq_store_state s;
    uint64_t unfinished;
    (void)eq_store_unfinished(eq_port_store(), name, &unfinished);
    int fault = eq_store_read(eq_port_store(), name, &s);
    if (fault == EQ_FAULT_missing) fault = 0; /* an upload alone */
    const struct eq_store_version *a = &s.versions[0], *b = &s.versions[1];
    int sent = EQ_SEND(agent, entry, eq_text(name), (uint16_t)fault, a->version, a->size, hash_of(a), b->version, b->size, hash_of(b),
                       look(name, a), look(name, b), unfinished, (uint8_t)s.keep, s.counter);
    for (uint32_t i = 0; retained && !sent && i < s.count; i++) {
        const struct eq_store_version *v = &s.versions[i];
        sent = EQ_SEND(agent, retained, v->version, v->size, hash_of(v), look(name, v));
    }
    return sent;
}

EQ_HANDLER(list) {
    char name[EQ_STORE_NAME];
    int fault = 0;
    for (uint32_t i = 0; (fault = eq_store_name(eq_port_store(), i, name, sizeof name)) == 0; i++)
        if (send_model(agent, name, message->retained)) return -1;
    return fault == EQ_FAULT_missing ? eq_agent_done(agent) : fault;
}

static int send_event(void *context, const struct eq_store_event *e) {
    eq_wire_hash sha256;
    memcpy(sha256.bytes, e->sha256, 32);
    return EQ_SEND(context, log_entry, e->number, e->time_ms, e->event, e->fault, e->detail, e->version, e->software, sha256,
                   eq_text(e->name));
}

EQ_HANDLER_PLAIN(log) {
    int result = eq_store_log(eq_port_store(), send_event, agent);
    return result ? result : eq_agent_done(agent);
}

EQ_HANDLER(remove) {
    char name[EQ_STORE_NAME];
    if (!eq_text_copy(name, sizeof name, message->name)) return EQ_FAULT_name;
    int fault = eq_store_remove(eq_port_store(), name, message->version);
    return fault ? fault : eq_agent_done(agent);
}

EQ_HANDLER(rollback) {
    char name[EQ_STORE_NAME];
    struct check check = {agent, {0}, message->limit_ms};
    struct eq_store_state *s = &agent->upload.state; /* an upload holds the store's lock: then there is none */
    if (!eq_text_copy(name, sizeof name, message->name) || !eq_store_name_ok(name)) return EQ_FAULT_name;
    if (agent->put_target == EQ_PUT_STORE) return EQ_FAULT_busy;
    int fault = eq_store_rollback(eq_port_store(), name, message->version, run_check, &check, s);
    return fault ? fault : EQ_SEND(agent, installed, s->versions[0].version, hash_of(&s->versions[0]), check.health.variants);
}

EQ_HANDLER(selftest) {
    char name[EQ_STORE_NAME];
    struct check check = {agent, {0}, message->limit_ms};
    struct eq_store_model model;
    if (!eq_text_copy(name, sizeof name, message->name)) return EQ_FAULT_name;
    int fault = eq_store_open(&model, eq_port_store(), name, message->version);
    if (fault) return fault;
    fault = run_check(&check, model.data, model.size, &agent->detail);
    eq_wire_hash sha256 = hash_of(&model.version);
    uint32_t version = model.version.version;
    eq_store_close(&model);
    return fault ? fault : EQ_SEND(agent, installed, version, sha256, check.health.variants);
}
