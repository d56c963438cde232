/* Commands on one open model: its edges, its layers, inference. */
#include "eq_agent.h"
#include <string.h>

void eq_agent_drop_model(struct eq_agent *agent) {
    struct eq_agent_model *m = &agent->model;
    int inputs = m->model ? eq_input_count(m->model) : 0;
    for (int i = 0; m->inputs && i < inputs; i++) eq_port_free(m->inputs[i].data);
    eq_port_free(m->inputs);
    eq_port_free(m->output);
    eq_port_free(m->layers);
    eq_port_free(m->arena);
    eq_port_free(m->memory);
    eq_store_close(&m->stored);
    (void)eq_port_workers(1);
    memset(m, 0, sizeof *m);
}

/* Room for every input, the largest output and the times of the layers. */
static int alloc_edges(struct eq_agent_model *m) {
    struct eq_edge edge;
    size_t largest = 1, inputs = (size_t)eq_input_count(m->model);
    m->inputs = eq_port_alloc(inputs * sizeof *m->inputs + 1);
    m->layers = eq_port_alloc((size_t)eq_op_count(m->model) * sizeof *m->layers + 1);
    if (!m->inputs || !m->layers) return EQ_FAULT_memory;
    for (size_t i = 0; i < inputs; i++) {
        if (eq_input(m->model, (int)i, &edge)) return EQ_FAULT_model;
        m->inputs[i].room = edge.bytes > edge.inner_bytes ? edge.bytes : edge.inner_bytes;
        m->inputs[i].data = eq_port_alloc((size_t)m->inputs[i].room + 1);
        if (!m->inputs[i].data) return EQ_FAULT_memory;
    }
    for (int i = 0; i < eq_output_count(m->model); i++) {
        if (eq_output(m->model, i, &edge)) return EQ_FAULT_model;
        if (edge.bytes > largest) largest = edge.bytes;
        if (edge.inner_bytes > largest) largest = edge.inner_bytes;
    }
    m->output = eq_port_alloc(largest);
    return m->output ? 0 : EQ_FAULT_memory;
}

static int find_data(struct eq_agent *agent, const struct eq_msg_open *message, const void **data, size_t *size) {
    char name[EQ_STORE_NAME];
    struct eq_agent_model *m = &agent->model;
    if (message->name.size == 0) {
        if (!agent->loaded_ok) return EQ_FAULT_missing;
        *data = agent->loaded, *size = (size_t)agent->loaded_size;
        return 0;
    }
    if (!eq_text_copy(name, sizeof name, message->name)) return EQ_FAULT_name;
    int fault = eq_store_open(&m->stored, eq_port_store(), name, message->version);
    *data = m->stored.data, *size = m->stored.size;
    return fault;
}

static int open_model(struct eq_agent *agent, const struct eq_msg_open *message, int *variant) {
    struct eq_agent_model *m = &agent->model;
    char wanted[256];
    const void *data;
    size_t size;
    int fault = find_data(agent, message, &data, &size);
    if (fault) return fault;
    agent->detail = eq_file_check(&m->file, data, size);
    if (agent->detail) return m->stored.data ? EQ_FAULT_corrupt : EQ_FAULT_model; /* it was sound when it was installed */
    if (!eq_text_copy(wanted, sizeof wanted, message->variant)) return EQ_FAULT_no_variant;
    *variant = wanted[0] ? eq_file_variant_find(&m->file, wanted) : 0;
    if (*variant < 0) return EQ_FAULT_no_variant;
    uint32_t isas = agent->info.isas & (message->isas ? message->isas : UINT32_MAX);
    agent->detail = eq_plan(&m->plan, &m->file, *variant, isas);
    if (agent->detail) return EQ_FAULT_model;
    int threads = message->threads ? message->threads : 1;
    if (threads > 1 && !(m->workers = eq_port_workers(threads))) return EQ_FAULT_threads;
    m->plan.arena_bytes = eq_arena_bytes(&m->plan, threads);
    m->memory = eq_port_alloc(m->plan.model_bytes);
    m->arena = eq_port_alloc(m->plan.arena_bytes + 1);
    if (!m->memory || !m->arena) return EQ_FAULT_memory;
    agent->detail = eq_open(&m->model, &m->file, *variant, isas, m->memory, m->plan.model_bytes);
    if (agent->detail) m->model = NULL;
    return agent->detail ? EQ_FAULT_model : alloc_edges(m);
}

int eq_agent_inner(const struct eq_model *model, int output, int index) {
    struct eq_tensor_info tensor;
    return eq_tensor(model, (output ? eq_output_tensor : eq_input_tensor)(model, index), &tensor) ? 0 : tensor.type;
}

int eq_agent_integers(const struct eq_model *model, int output, int index) {
    const int type = eq_agent_inner(model, output, index);
    return type == EQ_TYPE_s8 || type == EQ_TYPE_s16 ? type : 0;
}

static int send_edge(struct eq_agent *agent, int output, int index) {
    struct eq_edge e;
    eq_wire_dims dims = {{0}};
    (void)(output ? eq_output : eq_input)(agent->model.model, index, &e);
    for (int i = 0; i < e.rank; i++) dims.dims[i] = e.shape[i];
    return EQ_SEND(agent, edge, (uint8_t)output, (uint8_t)index, (uint8_t)e.type,
                   (uint8_t)eq_agent_inner(agent->model.model, output, index), (uint8_t)e.rank, dims, e.scale, e.zero, e.bytes,
                   e.inner_bytes, eq_text(e.name));
}

static int send_opened(struct eq_agent *agent, int variant, uint32_t isas) {
    const struct eq_agent_model *m = &agent->model;
    const struct eq_plan *p = &m->plan;
    int inputs = eq_input_count(m->model), outputs = eq_output_count(m->model), err;
    eq_wire_hash sha256 = agent->loaded_sha256;
    if (m->stored.data) memcpy(sha256.bytes, m->stored.version.sha256, 32);
    err = EQ_SEND(agent, opened, m->stored.version.version, sha256, m->file.size, p->model_bytes, p->packed_bytes, p->arena_bytes,
                  p->activation_bytes, p->scratch_bytes, p->macs, isas, (uint32_t)eq_op_count(m->model), (uint8_t)inputs, (uint8_t)outputs,
                  eq_text(eq_file_variant_name(&m->file, variant)), (uint16_t)(m->workers ? m->workers->threads : 1));
    for (int i = 0; i < inputs && !err; i++) err = send_edge(agent, 0, i);
    for (int i = 0; i < outputs && !err; i++) err = send_edge(agent, 1, i);
    return err ? err : eq_agent_done(agent);
}

EQ_HANDLER(open) {
    int variant = 0;
    eq_agent_drop_model(agent);
    int fault = open_model(agent, message, &variant);
    if (fault) {
        eq_agent_drop_model(agent);
        return fault;
    }
    return send_opened(agent, variant, agent->info.isas & (message->isas ? message->isas : UINT32_MAX));
}

EQ_HANDLER_PLAIN(close) {
    eq_agent_drop_model(agent);
    return eq_agent_done(agent);
}

EQ_HANDLER(origin) {
    const struct eq_agent_model *m = &agent->model;
    size_t part = agent->info.limits.max_message - 32u;
    if (!m->model) return EQ_FAULT_order;
    if (message->what != EQ_ORIGIN_RECIPE && message->what != EQ_ORIGIN_IMPORT_OPTIONS) return EQ_FAULT_argument;
    const char *text = (message->what == EQ_ORIGIN_RECIPE ? eq_file_recipe : eq_file_import_options)(&m->file);
    for (size_t left = strlen(text), n; left; text += n, left -= n) {
        n = left < part ? left : part;
        if (EQ_SEND(agent, origin_part, {(const uint8_t *)text, n})) return -1;
    }
    return eq_agent_done(agent);
}

EQ_HANDLER_PLAIN(layers) {
    struct eq_op_info op;
    if (!agent->model.model) return EQ_FAULT_order;
    for (int i = 0; i < eq_op_count(agent->model.model); i++) {
        if (eq_op(agent->model.model, i, &op)) return EQ_FAULT_model;
        if (EQ_SEND(agent, layer, (uint32_t)i, op.macs, eq_text(op.op), eq_text(op.name), eq_text(op.kernel), eq_text(op.isa),
                    eq_text(op.packing)))
            return -1;
    }
    return eq_agent_done(agent);
}

static int take_input(struct eq_agent_model *m, const struct eq_msg_input *message) {
    if (message->index >= eq_input_count(m->model)) return EQ_FAULT_argument;
    struct eq_agent_input *input = &m->inputs[message->index];
    if (message->offset == 0) input->filled = 0;
    if (message->offset != input->filled || message->bytes.size > input->room - input->filled) return EQ_FAULT_argument;
    memcpy(input->data + input->filled, message->bytes.data, message->bytes.size);
    input->filled += message->bytes.size;
    input->type = message->type;
    return 0;
}

/* Not answered: infer says what was wrong first. */
EQ_HANDLER(input) {
    struct eq_agent_model *m = &agent->model;
    if (m->model && !m->input_fault) m->input_fault = take_input(m, message);
    return 0;
}

static int send_output(struct eq_agent *agent, int index, int inner) {
    struct eq_agent_model *m = &agent->model;
    struct eq_edge e;
    (void)eq_output(m->model, index, &e);
    int integers = inner ? eq_agent_integers(m->model, 1, index) : 0;
    int type = integers ? integers : e.type;
    size_t size = integers ? e.inner_bytes : e.bytes, part = agent->info.limits.max_message - 32u;
    agent->detail = eq_get_output(m->model, m->arena, index, type, m->output, size);
    if (agent->detail) return EQ_FAULT_argument;
    for (size_t at = 0; at < size; at += part) {
        struct eq_bytes bytes = {m->output + at, size - at < part ? size - at : part};
        if (EQ_SEND(agent, output, (uint8_t)index, (uint8_t)type, at, bytes)) return -1;
    }
    return 0;
}

static void after(void *context, int index) {
    (void)index;
    (void)eq_agent_alive(context);
}

EQ_HANDLER(infer) {
    struct eq_agent_model *m = &agent->model;
    if (!m->model) return EQ_FAULT_order;
    int fault = m->input_fault;
    m->input_fault = 0;
    if (fault) return fault;
    for (int i = 0; i < eq_input_count(m->model); i++) {
        const struct eq_agent_input *input = &m->inputs[i];
        agent->detail = eq_set_input(m->model, m->arena, i, input->type, input->data, (size_t)input->filled);
        if (agent->detail) return EQ_FAULT_argument;
    }
    uint64_t start = eq_port_time_ns();
    struct eq_observer observer = {after, agent};
    agent->detail = eq_run_on(m->model, m->arena, m->plan.arena_bytes, m->workers, &observer);
    uint64_t time_ns = eq_port_time_ns() - start;
    if (agent->detail) return EQ_FAULT_model;
    for (int i = 0; i < eq_output_count(m->model); i++) {
        int err = send_output(agent, i, message->inner);
        if (err) return err;
    }
    return EQ_SEND(agent, ran, time_ns);
}
