#include "eq_dispatch.h"
#include <string.h>

const struct eq_kernel eq_kernels[] = {
#define EQ_COMMA ,
#define EQ_ROW(family, types, isa, mr, nr, kr)                                                                                             \
    {#family EQ_COMMA #types EQ_COMMA(void (*)(void))                                                                                      \
         eq_##family##_##types##__##isa EQ_COMMA EQ_ISA_##isa EQ_COMMA mr EQ_COMMA nr EQ_COMMA kr} EQ_COMMA
#define EQ_KERNEL(family, types, isa, mr, nr, kr) EQ_CAT(EQ_WHEN_, EQ_ON_##isa)(EQ_ROW(family, types, isa, mr, nr, kr))
#include "kernels.def"
#undef EQ_KERNEL
#undef EQ_ROW
};
const size_t eq_kernel_count = sizeof eq_kernels / sizeof *eq_kernels;

const char *eq_kernel_name(const struct eq_kernel *kernel) {
    static const char *const names[] = {
#define EQ_ROW(family, types)                     #family "_" #types EQ_COMMA
#define EQ_KERNEL(family, types, isa, mr, nr, kr) EQ_CAT(EQ_WHEN_, EQ_ON_##isa)(EQ_ROW(family, types))
#include "kernels.def"
#undef EQ_KERNEL
#undef EQ_ROW
    };
    return names[kernel - eq_kernels];
}

const char *eq_kernel_packing(const struct eq_kernel *kernel) {
    static const char *const blocks[] = {
#define EQ_ROW(nr, kr)                            #nr " x " #kr EQ_COMMA
#define EQ_KERNEL(family, types, isa, mr, nr, kr) EQ_CAT(EQ_WHEN_, EQ_ON_##isa)(EQ_ROW(nr, kr))
#include "kernels.def"
#undef EQ_KERNEL
#undef EQ_ROW
    };
    return kernel->kr ? blocks[kernel - eq_kernels] : "in place";
}

const struct eq_kernel *eq_select(const char *family, const char *types, uint32_t isas) {
    isas |= 1u << EQ_ISA_portable;
    for (size_t i = 0; i < eq_kernel_count; i++) {
        const struct eq_kernel *kernel = &eq_kernels[i];
        if (isas >> kernel->isa & 1 && !strcmp(kernel->family, family) && !strcmp(kernel->types, types)) return kernel;
    }
    return NULL;
}

const struct eq_op_impl eq_ops[] = {
#define EQ_OP(id, name, inputs_min, inputs_max, ...)                                                                                       \
    {id, inputs_min, inputs_max, sizeof(struct eq_##name##_attrs), #name, eq_prepare_##name, eq_run_##name},
#define EQ_OP_PLAIN(id, name, inputs_min, inputs_max) {id, inputs_min, inputs_max, 0, #name, eq_prepare_##name, eq_run_##name},
#include "ops.def"
#undef EQ_OP
#undef EQ_OP_PLAIN
};
const size_t eq_op_impl_count = sizeof eq_ops / sizeof *eq_ops;
