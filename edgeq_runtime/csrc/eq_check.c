/* The body as a whole: SPEC.md 3.2. eq_reader.c checks each table by itself; here is what holds between them. */
#include "eq_dispatch.h"
#include "eq_file.h"

enum {
    MAX_VARIANTS = 64,
    MAX_EDGES = 64,
    HASH_BYTES = 32,
};
/* Looking for the writer of a value costs one step per operator looked at. A real network takes few steps, a hostile file ends here. */
#define MAX_STEPS 2000000u

struct check {
    const struct eq_reader *reader;
    const struct eq_variant *variant;
    uint32_t steps;
};

static int overlap(const struct eq_tensor *a, const struct eq_tensor *b) {
    return !a->data && !b->data && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static int same_place(const struct eq_tensor *a, const struct eq_tensor *b) {
    return !a->data && !b->data && a->offset == b->offset && a->bytes == b->bytes;
}

static int tensor_at(const struct check *check, int32_t index, struct eq_tensor *tensor) {
    return eq_reader_tensor(check->reader, check->variant, (uint32_t)index, tensor);
}

/* Whether a node is of an operator; of none that the build has left out. */
#define EQ_IS(node, name)   EQ_CAT(EQ_IS_, EQ_HAS(name))((node), eq_run_##name)
#define EQ_IS_1(node, run_) (eq_ops[(node)->op].run == (run_))
#define EQ_IS_0(node, run_) 0

/* A reshape that leaves its bytes where they are. */
static int moves_nothing(const struct check *check, const struct eq_node *node, const struct eq_tensor *out) {
    struct eq_tensor in;
    return EQ_IS(node, reshape) && !tensor_at(check, node->inputs[0], &in) && same_place(&in, out);
}

/* An addition that writes over one of its inputs, element by element. */
static int is_in_place(const struct check *check, const struct eq_node *node, int input, const struct eq_tensor *in,
                       const struct eq_tensor *out) {
    struct eq_tensor other;
    if (!EQ_IS(node, add_s8) || !same_place(in, out)) return 0;
    return !tensor_at(check, node->inputs[!input], &other) && !overlap(&other, out);
}

/* Before operator `before` runs, the place of activation `index` holds the value of its last writer: an operator or the caller. */
static int check_alive(struct check *check, uint32_t before, int32_t index, const struct eq_tensor *tensor) {
    for (uint32_t i = before; i-- > 0;) {
        struct eq_node node;
        struct eq_tensor out;
        if (check->steps++ > MAX_STEPS) return EQ_ERR_UNSUPPORTED;
        int status = eq_reader_node(check->reader, check->variant, i, &node);
        if (!status) status = tensor_at(check, node.outputs[0], &out);
        if (status) return status;
        if (node.outputs[0] == index) return EQ_OK;
        if (overlap(&out, tensor) && !moves_nothing(check, &node, &out)) return EQ_ERR_FORMAT;
    }
    for (uint32_t i = 0; i < check->variant->inputs.count; i++)
        if (eq_vector_int(&check->variant->inputs, i) == index) return EQ_OK;
    return EQ_ERR_FORMAT;
}

static int check_operator(struct check *check, uint32_t index) {
    struct eq_node node;
    struct eq_tensor in, out;
    int status = eq_reader_node(check->reader, check->variant, index, &node);
    if (!status) status = eq_reader_weights(check->reader, check->variant, index, &node);
    if (!status) status = tensor_at(check, node.outputs[0], &out);
    if (status) return status;
    if (out.data) return EQ_ERR_FORMAT;
    for (int i = 0; i < node.input_count; i++) {
        status = tensor_at(check, node.inputs[i], &in);
        if (status) return status;
        if (in.data) continue;
        if (overlap(&in, &out) && !moves_nothing(check, &node, &out) && !is_in_place(check, &node, i, &in, &out)) return EQ_ERR_FORMAT;
        status = check_alive(check, index, node.inputs[i], &in);
        if (status) return status;
    }
    return EQ_OK;
}

/* The arena ends where the last activation ends: nothing is asked for that is not used. */
static int check_tensors(const struct check *check) {
    size_t end = 0;
    for (uint32_t i = 0; i < check->variant->tensors.count; i++) {
        struct eq_tensor tensor;
        int status = tensor_at(check, (int32_t)i, &tensor);
        if (status) return status;
        if (!tensor.data && tensor.offset + tensor.bytes > end) end = tensor.offset + tensor.bytes;
    }
    return end == check->variant->activation_bytes ? EQ_OK : EQ_ERR_FORMAT;
}

static int check_edge(struct check *check, const struct eq_vector *rows, const struct eq_vector *places, uint32_t index,
                      struct eq_tensor *tensor) {
    struct eq_edge_row row;
    int status = eq_reader_tensor(check->reader, check->variant, (uint32_t)eq_vector_int(places, index), tensor);
    return status ? status : eq_reader_edge(check->reader, rows, index, tensor, &row);
}

static int check_edges(struct check *check) {
    const struct eq_reader *reader = check->reader;
    const struct eq_variant *variant = check->variant;
    struct eq_tensor tensor, other;
    for (uint32_t i = 0; i < reader->inputs.count; i++) {
        int status = check_edge(check, &reader->inputs, &variant->inputs, i, &tensor);
        for (uint32_t j = 0; !status && j < i; j++) {
            status = check_edge(check, &reader->inputs, &variant->inputs, j, &other);
            if (!status && overlap(&tensor, &other)) status = EQ_ERR_FORMAT;
        }
        if (status) return status;
    }
    for (uint32_t i = 0; i < reader->outputs.count; i++) {
        int status = check_edge(check, &reader->outputs, &variant->outputs, i, &tensor);
        if (!status) status = check_alive(check, variant->operators.count, eq_vector_int(&variant->outputs, i), &tensor);
        if (status) return status;
    }
    return EQ_OK;
}

/* Buffer `index` of the model has as many bytes as the tensor. digest: or those of its hash, where the tensor is long. */
static int check_sample(const struct check *check, int32_t buffer, int32_t index, int digest) {
    const uint8_t *data;
    uint32_t size;
    struct eq_tensor tensor;
    int status = tensor_at(check, index, &tensor);
    if (!status) status = eq_reader_buffer(check->reader, (uint32_t)buffer, &data, &size);
    if (status) return status;
    size_t want = digest && tensor.bytes > EQ_HASH_ABOVE ? HASH_BYTES : tensor.bytes;
    return size == want ? EQ_OK : EQ_ERR_FORMAT;
}

static int check_samples(const struct check *check) {
    const struct eq_variant *variant = check->variant;
    struct eq_samples samples;
    int status = eq_reader_samples(check->reader, variant, &samples);
    if (status || !samples.present) return status;
    uint32_t outputs = variant->outputs.count;
    if (samples.inputs.count != variant->inputs.count || samples.outputs.count % outputs) return EQ_ERR_FORMAT;
    if (samples.outputs.count / outputs != (uint64_t)samples.seeds.count + 1) return EQ_ERR_FORMAT;
    for (uint32_t i = 0; !status && i < samples.inputs.count; i++)
        status = check_sample(check, eq_vector_int(&samples.inputs, i), eq_vector_int(&variant->inputs, i), 0);
    for (uint32_t i = 0; !status && i < samples.outputs.count; i++)
        status = check_sample(check, eq_vector_int(&samples.outputs, i), eq_vector_int(&variant->outputs, i % outputs), 1);
    return status;
}

static int check_variant(struct check *check) {
    int status = check_tensors(check);
    for (uint32_t i = 0; !status && i < check->variant->operators.count; i++) status = check_operator(check, i);
    if (!status) status = check_edges(check);
    return status ? status : check_samples(check);
}

int eq_body_check(const struct eq_file *file) {
    struct eq_reader reader;
    struct eq_variant variant;
    struct eq_origin origin;
    struct check check = {&reader, &variant, 0};
    int status = eq_reader_open(&reader, file->body, file->body_size);
    if (!status) status = eq_reader_origin(&reader, &origin);
    if (status) return status;
    if (reader.variants.count > MAX_VARIANTS || reader.inputs.count > MAX_EDGES || reader.outputs.count > MAX_EDGES)
        return EQ_ERR_UNSUPPORTED;
    for (uint32_t i = 0; !status && i < reader.variants.count; i++) {
        status = eq_reader_variant(&reader, i, &variant);
        if (!status) status = check_variant(&check);
    }
    return status;
}
