/* One harness for every row of kernels.def that this CPU runs: the portable row of its family is the answer, sizes are the edges of the
 * tiles, fills are the extremes, inputs end at a page that cannot be read, and no byte beside the output may change. */
#include "check.h"
#include "selftest.h"

/* Kernels that take more rows than one tile. */
static int any_rows(const struct eq_kernel *kernel) {
    return !strncmp(kernel->types, "s8_u8_", 6) || !strncmp(kernel->types, "s8_s8_", 6) || strstr(kernel->types, "_b1_b1");
}

static int all_sizes(const struct eq_kernel *portable, case_fn run, int dwconv) {
    static const size_t pixels[] = {1, 2, 5, 9}, rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 16, 27},
                        channels[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 64, 65, 96};
    static const size_t taps[] = {1, 2, 3, 4, 6, 8, 9, 10, 12, 25, 49},
                        depths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 64, 65, 577};
    const size_t *firsts = dwconv ? pixels : rows, *deep = dwconv ? taps : depths;
    const size_t first_count = dwconv ? COUNT(pixels) : COUNT(rows), deep_count = dwconv ? COUNT(taps) : COUNT(depths);
    for (size_t i = 0; i < first_count && (dwconv || any_rows(tested) || firsts[i] <= tested->mr); i++)
        for (size_t c = 0; c < COUNT(channels); c++)
            for (size_t d = 0; d < deep_count; d++)
                if (run(portable, firsts[i], channels[c], deep[d])) return 1;
    return 0;
}

/* A portable row is its own answer, so only where it reads and writes can be seen to be wrong: each fill has one skew. */
int eq_kernel_check(size_t index, uint32_t *count) {
    const struct eq_kernel *kernel = &eq_kernels[index];
    static const struct {
        const char *begin; /* of the kernel's name; the first row that fits */
        case_fn run;
        int dwconv;
    } families[] = {{"gemm_s8_s8_", gemm_band, 0},         {"gemm_s8_u8_", gemm_band, 0},        {"gemm_s8_s16_s8", gemm_s8, 0},
                    {"gemm_s8_s16_", gemm_low_wide, 0},    {"gemm_s16_s16_s8", gemm_s16, 0},     {"gemm_b1_b1_b1", gemm_signs, 0},
                    {"gemm_s8_b1_b1", gemm_signs_s8, 0},   {"gemm_f32_f32_f32", gemm_f32, 0},    {"dwconv_s8_s8_s8", dwconv_s8, 1},
                    {"dwconv_s8_s8_s4", dwconv_low, 1},    {"dwconv_s8_u8_s8", dwconv_lines, 1}, {"dwconv_s16_s16_s8", dwconv_s16, 1},
                    {"dwconv_f32_f32_f32", dwconv_f32, 1}, {"add_s8_s8_s8", add_s8, 1},          {"lookup_s8_s8_s8", lookup_s8, 1},
                    {"maxpool_s8_s8_s8", maxpool_s8, 1},   {"sum_s32_s8_s8", sum_s8, 1},         {"sign_b1_s8_s8", sign_s8, 1},
                    {"unpack_s8_b1_b1", unpack_signs, 1}};
    const struct eq_kernel *portable = eq_select(kernel->family, kernel->types, 0);
    tested = kernel;
    cases = 0;
    if (!activation_end) fill_start();
    for (size_t f = 0; f < COUNT(families); f++) {
        if (strncmp(families[f].begin, eq_kernel_name(kernel), strlen(families[f].begin))) continue;
        for (fill_kind = 0; fill_kind < FILLS; fill_kind++)
            for (skew = 0; skew < SKEWS; skew++) {
                if (kernel == portable && skew != (size_t)fill_kind % SKEWS) continue;
                next_start(0x9e3779b9u + (uint32_t)fill_kind * SKEWS + (uint32_t)skew);
                if (all_sizes(portable, families[f].run, families[f].dwconv)) return 1;
            }
        *count = (uint32_t)cases;
        return 0;
    }
    printf("FAIL %s: no case of this family\n", eq_kernel_name(kernel));
    return 1;
}
