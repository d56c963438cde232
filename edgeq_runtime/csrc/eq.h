/* edgeq runtime: open a model file that lies in memory and run it. SPEC.md is the contract.
 * The caller owns every byte: sizes come from eq_plan, nothing is allocated, nothing is printed, no state is global.
 * A model is read-only once open: threads may run it at the same time, each in an arena of its own. */
#ifndef EQ_H
#define EQ_H
#include <stddef.h>
#include <stdint.h>

#define EQ_ALIGN           64u /* bytes; of the file, of model memory and of an arena */
#define EQ_MAX_RANK        6
#define EQ_RUNTIME_VERSION (0u << 16 | 1u) /* major << 16 | minor */
#define EQ_FORMAT_VERSION  (1u << 16 | 0u) /* of model files */

enum eq_status {
    EQ_OK = 0,
    EQ_ERR_TRUNCATED = -1,   /* shorter than its own lengths say */
    EQ_ERR_MAGIC = -2,       /* not an .eqm file */
    EQ_ERR_VERSION = -3,     /* written for a newer runtime */
    EQ_ERR_CHECKSUM = -4,    /* trailer CRC or SHA-256 of the body differs */
    EQ_ERR_FORMAT = -5,      /* an offset, index or value in the body is out of its range */
    EQ_ERR_UNSUPPORTED = -6, /* an operator or type that this build does not have */
    EQ_ERR_SHAPE = -7,       /* shapes or attributes of an operator do not fit together */
    EQ_ERR_ALIGNMENT = -8,   /* memory handed over, or a buffer in the file, is not aligned */
    EQ_ERR_MEMORY = -9,      /* memory handed over is too small */
    EQ_ERR_ARGUMENT = -10,   /* index, size or type of an argument */
    EQ_ERR_SELFTEST = -11,   /* an output differs from the one in the file */
};
const char *eq_status_text(int status); /* one English sentence without a full stop */

enum eq_type {
#define EQ_QTYPE(id, name, bits) EQ_TYPE_##name = (id),
#include "qtypes.def"
#undef EQ_QTYPE
};

enum eq_isa {
#define EQ_ISA(name, arch, check, flags) EQ_ISA_##name,
#include "isa.def"
#undef EQ_ISA
    EQ_ISA_COUNT
};
uint32_t eq_cpu_isas(void);            /* bit i: enum eq_isa i is built in and runs on this CPU */
const char *eq_isa_name(unsigned isa); /* NULL: no such row */

/* A checked file. The memory behind it must stay until the last model opened from it is gone. */
struct eq_file {
    const uint8_t *body; /* FlatBuffer */
    size_t body_size;
    size_t size; /* of the whole file */
    uint64_t counter;
    uint8_t sha256[32]; /* of the body: the identity of the model */
    uint32_t format_version;
};

/* Check length, trailer, hash, and every offset and index of the body. After EQ_OK the file is safe to read. */
int eq_file_check(struct eq_file *file, const void *data, size_t size);
const char *eq_file_name(const struct eq_file *file); /* of the model; not NULL */
/* How it was made, as TOML for people and hosts; "" where the file does not say. */
const char *eq_file_recipe(const struct eq_file *file);
const char *eq_file_import_options(const struct eq_file *file);
int eq_file_variant_count(const struct eq_file *file);
const char *eq_file_variant_name(const struct eq_file *file, int variant); /* NULL: no such variant */
int eq_file_variant_find(const struct eq_file *file, const char *name);    /* < 0: none */

/* What opening a variant takes on a CPU with the given instruction sets; exact. */
struct eq_plan {
    size_t model_bytes; /* memory for eq_open: the model and the packed weights */
    size_t arena_bytes; /* memory for eq_run: activations, then scratch */
    size_t activation_bytes;
    size_t scratch_bytes;
    size_t packed_bytes; /* of model_bytes: packed weights and channel parameters */
    uint64_t macs;       /* of one inference */
};
int eq_plan(struct eq_plan *plan, const struct eq_file *file, int variant, uint32_t isas);

/* How packed weights lie (SPEC.md 3.5): [groups][blocks of nr channels][parts][ceil(k / kr)][nr][kr]. */
struct eq_layout {
    int32_t bits; /* of an element: 1, 2, 4 or 8 as in the neutral layout, 16 less the zero point */
    int32_t groups, channels, nr, kr, parts, k;
};
/* Weights of an operator as the kernel of these instruction sets wants them, whether this CPU has them or not: for writers of files.
 * bytes: 0 where it packs none; of both planes where low. memory: of EQ_ALIGN and zeroed, or NULL where only layout and bytes are wanted.
 */
int eq_prepack(const struct eq_file *file, int variant, int operator_index, uint32_t isas, struct eq_layout *layout, size_t *bytes,
               void *memory);

struct eq_model;
/* memory: EQ_ALIGN-aligned, plan.model_bytes. isas: a subset of eq_cpu_isas(), bit 0 (portable) is always taken as set. */
int eq_open(struct eq_model **model, const struct eq_file *file, int variant, uint32_t isas, void *memory, size_t size);

/* One input or output, as the application sees it. */
struct eq_edge {
    const char *name;
    int rank;
    int32_t shape[EQ_MAX_RANK]; /* of the source, its own layout */
    int type;                   /* enum eq_type: f32, s32, s16, s8 or u8 */
    size_t bytes;               /* of the source type */
    float scale;                /* of the tensor inside; 0: float */
    int32_t zero;
    size_t inner_bytes; /* of the tensor inside */
};
int eq_input_count(const struct eq_model *model);
int eq_output_count(const struct eq_model *model);
int eq_input(const struct eq_model *model, int index, struct eq_edge *edge);
int eq_output(const struct eq_model *model, int index, struct eq_edge *edge);

/* Copy an input into the arena: layout of the source; type edge.type, or the s8 or s16 of the tensor inside (passes as it is).
 * bytes is the length of data and must be exact. Inputs are set again before every eq_run: their memory is reused. */
int eq_set_input(const struct eq_model *model, void *arena, int index, int type, const void *data, size_t bytes);
/* Copy an output out of the arena, to the layout of the source; type edge.type (dequantized), or s8 or s16 as it is. */
int eq_get_output(const struct eq_model *model, const void *arena, int index, int type, void *data, size_t bytes);

/* Where an input lies in the arena, edge.bytes of it: for an application that writes it there itself instead of eq_set_input. NULL where it
 * has to be converted or brought into another order. The same of an output: to be read before anything else is written into the arena. */
void *eq_input_place(const struct eq_model *model, void *arena, int index);
const void *eq_output_place(const struct eq_model *model, const void *arena, int index);

/* Called after each operator when profiling; index is its place in the variant. */
struct eq_observer {
    void (*after)(void *context, int index);
    void *context;
};
/* arena: EQ_ALIGN-aligned, plan.arena_bytes. observer may be NULL. Cannot fail on an open model but for its arguments. */
int eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer);

/* Threads that an application lends: run calls task(argument, i) once for every i below `threads`, at the same time or not, and returns
 * when all have returned. The output bytes are the same for any number. posix/eq_threads.h has them for POSIX. */
struct eq_workers {
    void (*run)(void *context, void (*task)(void *argument, int index), void *argument);
    void *context;
    int threads; /* 1 to EQ_THREADS_MAX */
};
#define EQ_THREADS_MAX 64
size_t eq_arena_bytes(const struct eq_plan *plan, int threads); /* scratch for each; 0 where the number is out of range */
/* arena_bytes: at least eq_arena_bytes of workers->threads. workers may be NULL: as eq_run. */
int eq_run_on(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_workers *workers,
              const struct eq_observer *observer);

/* Run the samples in the file and compare every output byte. failed (may be NULL): the first sample that differs. */
int eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed);

/* For reports: operator `index` of an open model. */
struct eq_op_info {
    const char *op;      /* ops.def name */
    const char *name;    /* in the source; may be "" */
    const char *kernel;  /* "<family>_<types>" or "" where the operator has no micro-kernel */
    const char *isa;     /* of the kernel; "portable" where there is none */
    const char *packing; /* of its weights: "<nr> x <kr>" in blocks, ", in the file" where they are packed there,
                          * "in place" as they lie in the file, "" where there is no kernel; "in the layer before" of an
                          * addition that runs on each part of that layer's output at once */
    uint64_t macs;
    int output; /* tensor index of its first output */
};
int eq_op_count(const struct eq_model *model);
int eq_op(const struct eq_model *model, int index, struct eq_op_info *info);

/* For calibration and reports: where tensor `index` of the variant lies. Its bytes are only valid while nothing else reuses the place. */
struct eq_tensor_info {
    const char *name;
    int type, rank;
    int32_t shape[EQ_MAX_RANK];
    size_t bytes;
    int constant;
    size_t offset; /* in the arena, where not constant */
    float scale;
    int32_t zero;
};
int eq_tensor_count(const struct eq_model *model);
int eq_tensor(const struct eq_model *model, int index, struct eq_tensor_info *info);
int eq_input_tensor(const struct eq_model *model, int index); /* tensor index of an input */
int eq_output_tensor(const struct eq_model *model, int index);
#endif
