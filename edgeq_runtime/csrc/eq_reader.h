/* The body of a file, table by table. Every function checks what it reads (SPEC.md 3.2), so checking a file, planning and opening
 * are the same code; none allocates. A failure is an eq_status. */
#ifndef EQ_READER_H
#define EQ_READER_H
#include "eq_flatbuffer.h"
#include "eq_internal.h"

#define EQ_FORMAT_INPUTS 64 /* of an operator, in a file */
#ifndef EQ_MAX_INPUTS
#define EQ_MAX_INPUTS EQ_FORMAT_INPUTS /* that this build takes: each is 56 bytes of stack */
#endif
#define EQ_MAX_PACKED 16   /* layouts of an operator's weights */
#define EQ_HASH_ABOVE 1024 /* bytes of a self-test output; longer ones are stored as their SHA-256 */

struct eq_reader {
    struct eq_body body;
    struct eq_vector buffers, inputs, outputs, variants; /* of the model */
    const char *name;
    uint32_t alignment;
};

struct eq_variant {
    struct eq_table table;
    const char *name;
    struct eq_vector tensors, operators, inputs, outputs;
    uint32_t activation_bytes;
};

/* An Edge, and the tensor behind it. */
struct eq_edge_row {
    const char *name;
    int32_t shape[EQ_MAX_RANK];
    uint8_t permutation[EQ_MAX_RANK];
    uint8_t rank, type;
};

/* Of the provenance, what a host needs to score the model as it was scored when it was made. */
struct eq_origin {
    const char *recipe, *import_options; /* "" where the file does not say */
};

/* The self-test of a variant. */
struct eq_samples {
    int present; /* 0: the variant has none, the vectors are empty */
    struct eq_vector inputs, seeds, outputs;
};

int eq_reader_open(struct eq_reader *reader, const uint8_t *body, size_t size);
int eq_reader_origin(const struct eq_reader *reader, struct eq_origin *origin);
int eq_reader_variant(const struct eq_reader *reader, uint32_t index, struct eq_variant *variant);
int eq_reader_tensor(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_tensor *tensor);
/* Fills everything of a node that the file says; the rest is zero. */
int eq_reader_node(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_node *node);
/* Of a prepared node: its weights, where the file holds them in the node's layout. */
int eq_reader_weights(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_node *node);
/* Row `index` of reader->inputs or reader->outputs, against the tensor that stands behind it. */
int eq_reader_edge(const struct eq_reader *reader, const struct eq_vector *edges, uint32_t index, const struct eq_tensor *tensor,
                   struct eq_edge_row *edge);
int eq_reader_buffer(const struct eq_reader *reader, uint32_t index, const uint8_t **data, uint32_t *size);
int eq_reader_samples(const struct eq_reader *reader, const struct eq_variant *variant, struct eq_samples *samples);

int32_t eq_vector_int(const struct eq_vector *vector, uint32_t index); /* of [int]; index < count */
static inline uint32_t eq_type_bytes(int type) { return eq_type_bits(type) / 8; }
#endif
