/* What an application asks about a file or an open model. */
#include "eq_dispatch.h"
#include "eq_model.h"
#include <string.h>

const char *eq_file_name(const struct eq_file *file) {
    struct eq_reader reader;
    return eq_reader_open(&reader, file->body, file->body_size) ? "" : reader.name;
}

static struct eq_origin origin_of(const struct eq_file *file) {
    struct eq_reader reader;
    struct eq_origin origin;
    int status = eq_reader_open(&reader, file->body, file->body_size);
    if (!status) status = eq_reader_origin(&reader, &origin);
    return status ? (struct eq_origin){"", ""} : origin;
}

const char *eq_file_recipe(const struct eq_file *file) { return origin_of(file).recipe; }
const char *eq_file_import_options(const struct eq_file *file) { return origin_of(file).import_options; }

int eq_file_variant_count(const struct eq_file *file) {
    struct eq_reader reader;
    return eq_reader_open(&reader, file->body, file->body_size) ? 0 : (int)reader.variants.count;
}

const char *eq_file_variant_name(const struct eq_file *file, int index) {
    struct eq_reader reader;
    struct eq_variant variant;
    if (index < 0 || eq_reader_open(&reader, file->body, file->body_size)) return NULL;
    return eq_reader_variant(&reader, (uint32_t)index, &variant) ? NULL : variant.name;
}

int eq_file_variant_find(const struct eq_file *file, const char *name) {
    int count = eq_file_variant_count(file);
    for (int i = 0; name && i < count; i++) {
        const char *have = eq_file_variant_name(file, i);
        if (have && !strcmp(have, name)) return i;
    }
    return -1;
}

static int describe(const struct eq_model *model, const struct eq_edge_row *row, int32_t place, struct eq_edge *edge) {
    const struct eq_tensor *tensor = &model->tensors[place];
    memset(edge, 0, sizeof *edge);
    edge->name = row->name;
    edge->rank = row->rank;
    memcpy(edge->shape, row->shape, sizeof edge->shape);
    edge->type = row->type;
    edge->bytes = tensor->count * eq_type_bytes(row->type);
    edge->scale = tensor->scale;
    edge->zero = tensor->zero;
    edge->inner_bytes = tensor->bytes;
    return EQ_OK;
}

int eq_input_count(const struct eq_model *model) { return (int)model->variant.inputs.count; }
int eq_output_count(const struct eq_model *model) { return (int)model->variant.outputs.count; }

int eq_input(const struct eq_model *model, int index, struct eq_edge *edge) {
    if (!edge || index < 0 || index >= eq_input_count(model)) return EQ_ERR_ARGUMENT;
    return describe(model, &model->inputs[index], eq_input_tensor(model, index), edge);
}

int eq_output(const struct eq_model *model, int index, struct eq_edge *edge) {
    if (!edge || index < 0 || index >= eq_output_count(model)) return EQ_ERR_ARGUMENT;
    return describe(model, &model->outputs[index], eq_output_tensor(model, index), edge);
}

int eq_input_tensor(const struct eq_model *model, int index) {
    return index < 0 || index >= eq_input_count(model) ? EQ_ERR_ARGUMENT : eq_vector_int(&model->variant.inputs, (uint32_t)index);
}

int eq_output_tensor(const struct eq_model *model, int index) {
    return index < 0 || index >= eq_output_count(model) ? EQ_ERR_ARGUMENT : eq_vector_int(&model->variant.outputs, (uint32_t)index);
}

int eq_op_count(const struct eq_model *model) { return (int)model->variant.operators.count; }

int eq_op(const struct eq_model *model, int index, struct eq_op_info *info) {
    if (!info || index < 0 || index >= eq_op_count(model)) return EQ_ERR_ARGUMENT;
    const struct eq_node *node = &model->nodes[index];
    info->op = eq_ops[node->op].name;
    info->name = node->name;
    info->kernel = node->kernel ? eq_kernel_name(node->kernel) : "";
    info->isa = eq_isa_name(node->kernel ? node->kernel->isa : EQ_ISA_portable);
    info->packing = node->kernel ? eq_kernel_packing(node->kernel, node->in_file) : "";
    if (eq_runs_before(model, (uint32_t)index)) info->packing = "in the layer before";
    info->macs = node->macs;
    info->output = node->outputs[0];
    return EQ_OK;
}

int eq_tensor_count(const struct eq_model *model) { return (int)model->variant.tensors.count; }

int eq_tensor(const struct eq_model *model, int index, struct eq_tensor_info *info) {
    if (!info || index < 0 || index >= eq_tensor_count(model)) return EQ_ERR_ARGUMENT;
    const struct eq_tensor *tensor = &model->tensors[index];
    info->name = tensor->name;
    info->type = tensor->type;
    info->rank = tensor->rank;
    memcpy(info->shape, tensor->dims, sizeof info->shape);
    info->bytes = tensor->bytes;
    info->constant = tensor->data != NULL;
    info->offset = tensor->offset;
    info->scale = tensor->scale;
    info->zero = tensor->zero;
    return EQ_OK;
}
