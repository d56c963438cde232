/* The tables of operators and kernels, made from ops.def and kernels.def. */
#ifndef EQ_DISPATCH_H
#define EQ_DISPATCH_H
#include "eq_kernels.h"

const char *eq_kernel_name(const struct eq_kernel *kernel); /* "<family>_<types>" */
/* "<nr> x <kr>", with ", in the file" behind it where they are packed there, or "in place". */
const char *eq_kernel_packing(const struct eq_kernel *kernel, int in_file);
#endif
