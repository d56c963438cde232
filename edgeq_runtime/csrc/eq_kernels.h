/* Micro-kernels: what each family computes, and its arguments. A kernel is stateless, allocates nothing and cannot fail;
 * the operator has checked everything. Every row of one family and types gives the same bits.
 *
 * The list kernels.def declares, for each row, void eq_<family>_<types>__<isa>(const struct eq_<family>_<types> *args).
 * types: output, activation, weight (or what else is read; the activation again where nothing is). The row's mr, nr, kr say how the caller
 * lays out the operands:
 *
 *   gemm     mr: the most rows of activations in one call.
 *            kr > 0: the weights of an [n][k] matrix are packed into blocks of nr channels, [ceil(n / nr)][k / kr][nr][kr], k rounded up
 *            to kr, channels and inputs beyond the end 0; the rows hold k inputs, the added ones 0.
 *            kr = 0: the weights are [n][k] as they lie in the file.
 *   dwconv   mr is 1: a call takes any number of pixels.
 *            nr > 0 and kr > 0: int16 (w - w_zero), [ceil(channels / nr)][ceil(taps / kr)][nr][kr], 0 beyond the end.
 *            kr = 0: [taps][channels] as they lie in the file.
 *   others   mr, nr and kr say nothing.
 */
#ifndef EQ_KERNELS_H
#define EQ_KERNELS_H
#include "eq_internal.h"

/* Long: one copy of it, not one for each set of constants that it is called with. */
#ifdef __clang__
#define EQ_ONE_COPY static __attribute__((noinline))
#define EQ_SMALL    EQ_ONE_COPY __attribute__((minsize))
#else
#define EQ_ONE_COPY static __attribute__((noinline, noclone))
#define EQ_SMALL    EQ_ONE_COPY __attribute__((optimize("Os")))
#endif
/* Compiled for size: EQ_SMALL what takes little of the time; EQ_RARE what is hardly ever called, nor are the lines that call it. */
#define EQ_RARE EQ_ONE_COPY __attribute__((cold))

/* Channel parameters of SPEC 1.2, each of as many values as the call has channels. */
struct eq_rq {
    const int32_t *bias;
    const int32_t *m;
    const int8_t *n;
};

/* y[i][o] = clamp(y_zero + requantize(bias[o] + sum over k of a[i][k] (w[o][k] - w_zero))). */
struct eq_gemm_s8_s16_s8 {
    size_t m, n, k;   /* rows <= mr, channels, inputs (a multiple of kr) */
    const int16_t *a; /* x - x_zero, so |a| <= 255 */
    size_t a_stride;  /* elements from row to row */
    const int8_t *w;
    struct eq_rq rq;
    int8_t *y;
    size_t y_stride; /* elements from row to row */
    int32_t w_zero, y_zero, lo, hi;
};

/* How weights of less than a byte lie and count (SPEC 2.1). */
#define EQ_GEMM_LOW                                                                                                                        \
    const uint8_t *low;         /* s4x2: the low plane, as w; a weight is 16 w + low */                                                    \
    const uint8_t *multipliers; /* s4, s2: what each group counts, NULL: none. [ceil(n / nr)][parts][ceil(k / group)][nr]; neutral:        \
                                 * [n][taps] [ceil(depth / group)] */                                                                      \
    size_t group;               /* inputs of a group: 32, 64 or 128; the last one of a part, or a tap, may be shorter */                   \
    int32_t up;                 /* s4: 4 where the weights count 16-fold, else 0 */

/* The same with activations of one byte that the caller has laid out once: row i is `parts` pieces of k inputs, piece p from
 * a + rows[i] + parts_at[p] on. A kernel reads k rounded up to kr inputs of each piece; packed weights hold each piece rounded up to kr,
 * [ceil(n / nr)][parts][k / kr][nr][kr], 0 beyond k. s8: x as it is. u8: x + 128. What the zero point of such an input takes from every
 * row is in the bias. Sums are modulo 2^32; only the last one is sure to be in range. The channel parameters are there, as 0 (n: 2), for
 * the channels that were added too.
 * EQ_KERNEL_PANEL: the rows lie in panels of mr instead, [ceil(m / mr)][parts][k / grain][mr][grain], k rounded up to kr, or to the inputs
 * that share bytes of weights; inputs beyond k are 0, rows beyond m hold anything. A single row (m = 1) lies alone, [parts][k]. rows and
 * parts_at say nothing. */
#define EQ_GEMM_BAND(element)                                                                                                              \
    size_t m, n, parts, k; /* any number of rows */                                                                                        \
    const element *a;                                                                                                                      \
    const uint32_t *rows;    /* [m] */                                                                                                     \
    const int32_t *parts_at; /* [parts] */                                                                                                 \
    const int8_t *w;                                                                                                                       \
    struct eq_rq rq;                                                                                                                       \
    int8_t *y;                                                                                                                             \
    size_t y_stride;                                                                                                                       \
    int32_t w_zero, y_zero, lo, hi;                                                                                                        \
    int32_t w_lowest; /* of all weights: two products fit in 16 bits where it is above -128 */                                             \
    int32_t n_lowest; /* of all rq.n: nothing is shifted left where it is above 0 */                                                       \
    EQ_GEMM_LOW
struct eq_gemm_s8_s8_s8 {
    EQ_GEMM_BAND(int8_t)
};
struct eq_gemm_s8_u8_s8 {
    EQ_GEMM_BAND(uint8_t)
};

/* The same with weights of less than a byte, w_zero being 0. Bytes hold the inputs of 8 / bits steps: [ceil(n / nr)][parts]
 * [ceil(k / (kr 8 / bits))][nr][kr], input s kr + i of such a unit in field s of byte i, from the lowest bits on; 0 beyond k, where rows
 * hold anything up to the end of the unit. k is at most EQ_LOW_K, so that a sum of products of 2^6 times such a weight and an activation of
 * 8 bits stays below 2^31. */
#define EQ_LOW_K 65536
#define EQ_GEMM_OF(types, element)                                                                                                         \
    struct eq_gemm_##types {                                                                                                               \
        EQ_GEMM_BAND(element)                                                                                                              \
    };
EQ_GEMM_OF(s8_s8_s4, int8_t)
EQ_GEMM_OF(s8_u8_s4, uint8_t)
EQ_GEMM_OF(s8_s8_s2, int8_t)
EQ_GEMM_OF(s8_u8_s2, uint8_t)
EQ_GEMM_OF(s8_s8_b1, int8_t)
EQ_GEMM_OF(s8_u8_b1, uint8_t)
EQ_GEMM_OF(s8_s8_s4x2, int8_t)
EQ_GEMM_OF(s8_u8_s4x2, uint8_t)

/* The same with rows of 16 bits. kr = 0, the neutral layout: element first + o k + i of w is weight (o, i), and i / depth is its tap. kr >
 * 0: packed, without multipliers and a low plane; a unit lies as [kr][nr] bytes, so that the channels of an input are neighbours. */
#define EQ_GEMM_WIDE(types)                                                                                                                \
    struct eq_gemm_##types {                                                                                                               \
        size_t m, n, k;                                                                                                                    \
        const int16_t *a; /* x - x_zero */                                                                                                 \
        size_t a_stride;                                                                                                                   \
        const uint8_t *w;                                                                                                                  \
        size_t first, depth;                                                                                                               \
        struct eq_rq rq;                                                                                                                   \
        int8_t *y;                                                                                                                         \
        size_t y_stride;                                                                                                                   \
        int32_t y_zero, lo, hi;                                                                                                            \
        EQ_GEMM_LOW                                                                                                                        \
    };
EQ_GEMM_WIDE(s8_s16_s4)
EQ_GEMM_WIDE(s8_s16_s2)
EQ_GEMM_WIDE(s8_s16_b1)
EQ_GEMM_WIDE(s8_s16_s4x2)

/* Products of signs, a bit of 1 being -1: for each row i of activations and each channel o, in how many bits they differ. Row i is `parts`
 * pieces of `steps` steps, piece p from a + rows[i] + parts_at[p] on. A step is kr bytes, 8 kr inputs from the lowest bit of the first byte
 * on, and packed weights are [ceil(n / nr)][parts][steps][nr][kr] bytes, 0 where there is no channel or input, as the rows are. kr = 0: a
 * step is 4 bytes; the weights are as they lie in the file, bit after bit, and a piece is whole taps, each of `depth` inputs, which take
 * whole steps. Distances are in bytes. */
struct eq_signs {
    size_t m, n, parts, steps; /* any number of rows */
    const uint8_t *a;
    const uint32_t *rows;    /* [m] */
    const int32_t *parts_at; /* [parts] */
    const uint8_t *w;
    size_t depth;
    const int32_t *base;   /* of all channels, rounded up to EQ_SIGNS, for each kind of row */
    const uint32_t *heads; /* [m]: where in base those of a row begin */
};
#define EQ_SIGNS 32

/* Bit o of row i of y is whether more bits differ than base says. It says INT32_MAX of channels that were added: whole words are written.
 */
struct eq_gemm_b1_b1_b1 {
    struct eq_signs signs;
    uint32_t *y;
    size_t y_stride; /* words from row to row */
};

/* y[i][o] = clamp(y_zero + requantize(base - 2 differing bits, m[o], n[o])), the difference modulo 2^32. m and n are there, as 0 and 2, for
 * the channels that were added too. */
struct eq_gemm_s8_b1_b1 {
    struct eq_signs signs;
    const int32_t *m;
    const int8_t *n;
    int8_t *y;
    size_t y_stride;
    int32_t y_zero, lo, hi;
    int32_t n_lowest; /* of all n */
};

/* Bit c of row i of y is (x[i][c] <= limits[c] and keep) xor flip; limits, keep and flip of channels that were added are 0. */
struct eq_sign_b1_s8_s8 {
    size_t rows, channels;
    const int8_t *x;
    const int8_t *limits;        /* channels rounded up to EQ_SIGNS */
    const uint32_t *keep, *flip; /* a bit for each channel */
    uint32_t *y;                 /* whole words for each row */
};

/* y[i][c] = plus, or minus where bit c of row i of x is 1. */
struct eq_unpack_s8_b1_b1 {
    size_t rows, channels;
    const uint32_t *x; /* whole words for each row */
    int8_t plus, minus;
    int8_t *y;
};

/* The same of 16 bits throughout: y[i][o] = clamp(requantize(bias[o] + sum over k of a[i][k] w[o][k])) with sums of 64 bits, which stay
 * below 2^47 (SPEC 1.2). */
struct eq_gemm_s16_s16_s8 {
    size_t m, n, k; /* rows <= mr, channels, inputs (a multiple of kr) */
    const int16_t *a;
    size_t a_stride;
    const int8_t *w;
    struct eq_rq rq;
    int16_t *y;
    size_t y_stride;
    int32_t lo, hi;
};

/* Pixels that lie side by side in y, and at one distance in x. */
struct eq_stretch_s8 {
    size_t pixels;
    const int8_t *const *x; /* [taps], of the first pixel; a padded tap points at channels bytes of x_zero, and pixels is 1 */
    int8_t *y;              /* [pixels][channels] */
};

/* In each stretch: y[i][c] = clamp(y_zero + requantize(bias[c] + sum over t of (x[t][i x_step + c] - x_zero) (w[t][c] - w_zero))). */
#define EQ_DWCONV_STRETCHES(types)                                                                                                         \
    struct eq_dwconv_##types {                                                                                                             \
        size_t count, channels, taps;                                                                                                      \
        const struct eq_stretch_s8 *stretches; /* [count] */                                                                               \
        size_t x_step;                         /* elements from pixel to pixel of x */                                                     \
        const void *w;                                                                                                                     \
        struct eq_rq rq;                                                                                                                   \
        int32_t x_zero, w_zero, y_zero, lo, hi;                                                                                            \
        const uint8_t *low; /* s4x2, and up: as for gemm */                                                                                \
        int32_t up;                                                                                                                        \
    };
EQ_DWCONV_STRETCHES(s8_s8_s8)
EQ_DWCONV_STRETCHES(s8_s8_s4)
EQ_DWCONV_STRETCHES(s8_s8_s4x2)

/* The same of whole output rows, from input lines as they lie: tap (ky, kx) of pixel i of row r is column
 * i stride_w + kx dilation_w - pad_left of lines[r stride_h + ky dilation_h]; columns outside count as x_zero, which padded lines hold.
 * Packed weights are [ceil(channels / nr)][kw][ceil(kh / kr)][nr][kr]; a kernel that takes them takes x as x + 128, and what that and the
 * zero point take from every sum is in the bias. Sums and channel parameters are as for the bands of gemm. */
struct eq_dwconv_s8_u8_s8 {
    size_t rows, pixels, channels, kh, kw;
    const int8_t *const *lines; /* [columns][channels] each */
    size_t columns, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    const int8_t *w; /* kr = 0: [kh][kw][channels] */
    struct eq_rq rq;
    int8_t *y; /* [rows][pixels][channels] */
    int32_t x_zero, w_zero, y_zero, lo, hi;
};

/* y[i][c] = clamp(requantize(bias[c] + sum over t of x[x_at[t] + i x_step + c] w[w_at[t] + c])), sums as for gemm_s16_s16_s8. */
struct eq_dwconv_s16_s16_s8 {
    size_t pixels, channels, taps; /* only taps inside the input */
    const int16_t *x;
    const size_t *x_at; /* [taps] */
    size_t x_step;
    const int8_t *w;
    const size_t *w_at; /* [taps] */
    struct eq_rq rq;
    int16_t *y;
    int32_t lo, hi;
};

/* y[i] = clamp(y_zero + ((a_mul a[i a_step] + b_mul b[i b_step] + constant) >> shift)), every sum in int32; a step is 0 or 1, not both 0
 * unless n is 1. y may be one of a and b, where that one has a step of 1. */
struct eq_add_s8_s8_s8 {
    size_t n;
    const int8_t *a, *b;
    size_t a_step, b_step;
    int8_t *y;
    int16_t a_mul, b_mul;
    int32_t constant, shift, y_zero, lo, hi;
};

/* y[i] = table[x[i] + 128]. y and x do not overlap: a value may be written twice. */
struct eq_lookup_s8_s8_s8 {
    size_t n;
    const int8_t *x, *table; /* [n], [256] */
    int8_t *y;
};

/* y[i][c] = clamp(max over r < rows and t < cols of x[i x_step + r row_step + t col_step + c]), of no taps -128. y and x do not overlap. */
struct eq_maxpool_s8_s8_s8 {
    size_t pixels, channels, rows, cols;
    size_t row_step, col_step, x_step;
    const int8_t *x;
    int8_t *y;
    int32_t lo, hi;
};

/* y[c] = sum over r < rows and t < cols of x[r row_step + t col_step + c], which is in range. */
struct eq_sum_s32_s8_s8 {
    size_t channels, rows, cols;
    size_t row_step, col_step;
    const int8_t *x;
    int32_t *y;
};

/* y[i][o] = clamp(bias[o] + sum over k of a[i][k] w[o][k]), summed as SPEC 1.3 says. */
struct eq_gemm_f32_f32_f32 {
    size_t m, n, k;
    const float *a;
    size_t a_stride;
    const float *w;
    const float *bias; /* NULL: none */
    float *y;
    size_t y_stride;
    float lo, hi;
};

/* y[i][c] = clamp((sum over t, in order from +0, of x[t][i x_step + c] w[t][c]) + bias[c]). */
struct eq_dwconv_f32_f32_f32 {
    size_t pixels, channels, taps;
    const float *const *x; /* [taps]: only taps inside the input */
    const float *const *w; /* [taps]: the weights of that tap */
    size_t x_step;
    const float *bias;
    float *y;
    float lo, hi;
};

#define EQ_KERNEL(family, types, isa, mr, nr, kr)                                                                                          \
    EQ_CAT(EQ_WHEN_, EQ_ON_##isa)(void eq_##family##_##types##__##isa(const struct eq_##family##_##types *args);)
#include "kernels.def"
#undef EQ_KERNEL

/* A row of kernels.def. An operator casts run to void (*)(const struct eq_<family>_<types> *). */
struct eq_kernel {
    const char *family, *types;
    void (*run)(void); /* NULL: of another architecture */
    uint8_t isa;       /* enum eq_isa */
    uint8_t mr, nr, kr;
    uint8_t grain; /* 0: it takes rows as they lie */
};
extern const struct eq_kernel eq_kernels[];
extern const size_t eq_kernel_count;

/* Of a weight that it reads. */
int eq_weight_bits(const struct eq_kernel *kernel);

/* Of the weights of an operator, each group of which has so many channels, parts and inputs of a part. */
static inline struct eq_layout eq_layout_of(const struct eq_kernel *kernel, int bits, size_t groups, size_t channels, size_t parts,
                                            size_t k) {
    return (struct eq_layout){bits, (int32_t)groups, (int32_t)channels, kernel->nr, kernel->kr, (int32_t)parts, (int32_t)k};
}

/* The first row of family and types whose instruction set is in the mask; bit 0 (portable) counts as set. NULL: no such row. */
const struct eq_kernel *eq_select(const char *family, const char *types, uint32_t isas);
#endif
