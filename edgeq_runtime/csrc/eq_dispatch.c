#include "eq_dispatch.h"
#include <string.h>

const struct eq_kernel eq_kernels[] = {
#define EQ_RUN_0(symbol) NULL
#define EQ_RUN_1(symbol) (void (*)(void)) symbol
#define EQ_KERNEL_PANEL(family, types, isa, mr, nr, kr, grain)                                                                             \
    EQ_CAT(EQ_WHEN_, EQ_HAS(family##_##types##__##isa))                                                                                    \
    ({#family, #types, EQ_CAT(EQ_RUN_, EQ_ON_##isa)(eq_##family##_##types##__##isa), EQ_ISA_##isa, mr, nr, kr, grain}, )
#define EQ_KERNEL(family, types, isa, mr, nr, kr) EQ_KERNEL_PANEL(family, types, isa, mr, nr, kr, 0)
#include "kernels.def"
#undef EQ_KERNEL
};
const size_t eq_kernel_count = sizeof eq_kernels / sizeof *eq_kernels;

const char *eq_kernel_name(const struct eq_kernel *kernel) {
    static const char *const names[] = {
#define EQ_KERNEL(family, types, isa, mr, nr, kr) EQ_CAT(EQ_WHEN_, EQ_HAS(family##_##types##__##isa))(#family "_" #types, )
#include "kernels.def"
#undef EQ_KERNEL
    };
    return names[kernel - eq_kernels];
}

const char *eq_kernel_packing(const struct eq_kernel *kernel, int in_file) {
    static const char *const blocks[][2] = {
#define EQ_KERNEL(family, types, isa, mr, nr, kr)                                                                                          \
    EQ_CAT(EQ_WHEN_, EQ_HAS(family##_##types##__##isa))({#nr " x " #kr, #nr " x " #kr ", in the file"}, )
#include "kernels.def"
#undef EQ_KERNEL
    };
    return kernel->kr ? blocks[kernel - eq_kernels][in_file] : "in place";
}

const struct eq_kernel *eq_select(const char *family, const char *types, uint32_t isas) {
    isas |= 1u << EQ_ISA_portable;
    for (size_t i = 0; i < eq_kernel_count; i++) {
        const struct eq_kernel *kernel = &eq_kernels[i];
        if (isas >> kernel->isa & 1 && !strcmp(kernel->family, family) && !strcmp(kernel->types, types)) return kernel;
    }
    return NULL;
}

int eq_weight_bits(const struct eq_kernel *kernel) {
    const char *type = kernel->types; /* the last of them: a letter and digits */
    int bits = 0;
    for (const char *at = type; *at; at++)
        if (*at == '_') type = at + 1;
    for (const char *at = type + 1; *at >= '0' && *at <= '9'; at++) bits = 10 * bits + *at - '0';
    return bits;
}

const struct eq_op_impl eq_ops[] = {
#define EQ_ROW(id, name, inputs_min, inputs_max, bytes)                                                                                    \
    EQ_CAT(EQ_WHEN_, EQ_HAS(name))({id, inputs_min, inputs_max, bytes, #name, eq_prepare_##name, eq_run_##name}, )
#define EQ_OP(id, name, inputs_min, inputs_max, ...)  EQ_ROW(id, name, inputs_min, inputs_max, sizeof(struct eq_##name##_attrs))
#define EQ_OP_PLAIN(id, name, inputs_min, inputs_max) EQ_ROW(id, name, inputs_min, inputs_max, 0)
#include "ops.def"
#undef EQ_OP
#undef EQ_OP_PLAIN
};
const size_t eq_op_impl_count = sizeof eq_ops / sizeof *eq_ops;
