/* What the cases of the self-test share: operands that end at a page that cannot be read, extreme fills, outputs with all around them. */
#ifndef EQ_SELFTEST_H
#define EQ_SELFTEST_H
#include "../eq_dispatch.h"
#include "../ops/pack.h"
#include "../ops/panel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILLS = 7, TIES = 6, SKEWS = 4, ROOM = 1 << 18, MAX_TAPS = 64 };
/* Fill 0, 1: random. 2..5: one extreme of the activations against one of the weights. 6: results that lie halfway between two integers
 * in a quarter of all lanes and more, and rarely meet a clamp. */

#define COUNT(list)             (sizeof(list) / sizeof *(list))
#define RUN(kernel, type, args) ((void (*)(const struct type *))(kernel)->run)(args)

extern const struct eq_kernel *tested;
extern int fill_kind;
extern size_t skew;
extern long cases;

void fill_start(void);
uint32_t next(void);
void next_start(uint32_t seed);
int32_t between(int32_t lo, int32_t hi);

/* The end of ROOM bytes that is followed by what cannot be read: a file for each kind of machine. Five times at most. */
uint8_t *guarded(void);
/* Each an end of such memory. */
extern uint8_t *activation_end, *weight_end, *packed_end, *params_end, *panel_end;
/* The last `count` elements before a guard; a skew moves them down and takes their alignment away. */
void *tail(uint8_t *end, size_t count, size_t element);
int32_t extreme(int which, int32_t lo, int32_t hi);
void fill_s16(int16_t *a, size_t n, int32_t lo, int32_t hi);
void fill_s8(int8_t *a, size_t n, int high);
void fill_f32(float *a, size_t n);
int32_t weight_zero(void);
struct eq_rq fill_rq(size_t channels);
/* Weights of an [n][parts][part] matrix, as wide as those of the tested kernel; with groups of inputs where it may have them. */
struct eq_weights fill_weights(size_t n, size_t parts, size_t part);
void fill_clamp(int32_t *lo, int32_t *hi);

/* m rows as the tested kernel wants them, at the end of memory of their own: as they are, or in panels. joined: of one part. */
const void *fill_rows(const void *a, const uint32_t *rows, const int32_t *parts_at, size_t parts, size_t k, size_t m, int joined);

/* Of the portable kernel (0) and the tested one (1). */
void prepare_outputs(void);
void *output(int which, size_t element);
/* Both outputs with everything around them; two NaN are equal. */
int compare(const char *sizes, size_t element);

/* first: rows, or pixels; depth: inputs, or taps. 1: a difference was printed. */
typedef int (*case_fn)(const struct eq_kernel *portable, size_t first, size_t channels, size_t depth);
int gemm_s8(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int gemm_s16(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int dwconv_s16(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int gemm_band(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int gemm_low_wide(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int gemm_signs(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int gemm_signs_s8(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int sign_s8(const struct eq_kernel *portable, size_t rows, size_t channels, size_t taps);
int unpack_signs(const struct eq_kernel *portable, size_t rows, size_t channels, size_t taps);
int dwconv_low(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int dwconv_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int dwconv_lines(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int add_s8(const struct eq_kernel *portable, size_t first, size_t channels, size_t taps);
int lookup_s8(const struct eq_kernel *portable, size_t first, size_t channels, size_t taps);
int sum_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int maxpool_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
int gemm_f32(const struct eq_kernel *portable, size_t m, size_t n, size_t k);
int dwconv_f32(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps);
#endif
