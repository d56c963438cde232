/* The engine of neon_panel.h for smlal: lanes are inputs. Products with narrow weights are added up in int16 as long as they fit; of those
 * with two planes (|w| <= 120) and with bytes above -128 two fit, of other bytes one. */
#ifndef EQ_KERNELS_NEON_SMLAL_H
#define EQ_KERNELS_NEON_SMLAL_H
#include <stdint.h>

/* FIT: units whose products fit. A unit adds UNIT / 8 of them to a lane, which are at most 128 2^(BITS - 1), or 128. */
enum {
    CHAINS = BITS < 8 && PLANES == 1,
    MR = EQ_ON_neon ? 12 : 4,
    AT_ONCE = EQ_ON_neon ? 4 : 2, /* blocks of a single row whose sums have room in registers */
    KR = BITS >= 4 ? 16 : 8,
    GRAIN = 16,
    STEPS = 8 / BITS,
    FIT = !CHAINS     ? INT32_MAX
          : BITS == 4 ? 7
                      : 31,
    UP = 0,
};

#include "neon_panel.h"
#include "unroll.h"

/* Weights of two channels, of the q-th 16 inputs of a unit. */
struct two {
    int8x16_t channel[2];
};
EQ_INLINE struct two weights_of(const int8_t *w, const int8_t *low, const int q) {
    if (KR == 16) return (struct two){{field(w, low, q), field(w + KR, low + KR, q)}};
    const int8x16_t a = field(w, low, 2 * q), b = field(w, low, 2 * q + 1);
    struct two t = {{vcombine_s8(vget_low_s8(a), vget_low_s8(b)), vcombine_s8(vget_high_s8(a), vget_high_s8(b))}};
    __asm__("" : "+w"(t.channel[0]), "+w"(t.channel[1])); /* as they are: the halves of every input would have to be swapped else */
    return t;
}

/* What a row and a channel have so far, int16 of a chain, or int32, and 16 products more. */
EQ_INLINE int16x8_t multiply(int16x8_t sum, int8x16_t x, int8x16_t w, const int lows) {
    if (CHAINS) return vmlal_s8(vmlal_s8(sum, vget_low_s8(x), vget_low_s8(w)), vget_high_s8(x), vget_high_s8(w));
    int32x4_t wide = vreinterpretq_s32_s16(sum);
    int16x8_t p = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    if (lows) {
        wide = vpadalq_s16(wide, p);
        p = vmull_s8(vget_high_s8(x), vget_high_s8(w));
    } else {
        p = vmlal_s8(p, vget_high_s8(x), vget_high_s8(w));
    }
    return vreinterpretq_s16_s32(vpadalq_s16(wide, p));
}

EQ_INLINE int32x4_t wide(int16x8_t sum) { return CHAINS ? vpaddlq_s16(sum) : vreinterpretq_s32_s16(sum); }
EQ_INLINE int32x4_t lanes_of(int16x8_t a, int16x8_t b, int16x8_t c, int16x8_t d) {
    return vpaddq_s32(vpaddq_s32(wide(a), wide(b)), vpaddq_s32(wide(c), wide(d)));
}

/* These sums are done before more inputs or weights are loaded: they would not fit in registers too. */
#define KEEP_ORDER(a, b, c, d) __asm__ volatile("" : "+w"(a), "+w"(b), "+w"(c), "+w"(d) : : "memory")
/* Every load moves it on by itself. */
#define MOVE(pointer, bytes)                                                                                                               \
    do {                                                                                                                                   \
        (pointer) += (bytes);                                                                                                              \
        __asm__("" : "+r"(pointer));                                                                                                       \
    } while (0)

/* Two of the four channels of a block at a time: of rows i and i + 1 they wait in sums[i], the other two in sums[i + 1]. */
EQ_INLINE void rows_of(const int8_t *x, const int8_t *w, const int8_t *low, size_t units, const int rows, const int lows, int32x4_t *sums) {
    for (int h = 0; h < 2; h++) {
        const int8_t *xs = x, *ws = w + 2 * KR * h, *ls = low + 2 * KR * h;
        for (size_t left = units, some; left > 0; left -= some) {
            int16x8_t sum[MR][2];
            some = left < FIT ? left : FIT;
            EQ_UNROLL
            for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = vdupq_n_s16(0);
            for (size_t u = some; u > 0; u--, ws += UNIT_BYTES, ls += UNIT_BYTES) {
                EQ_UNROLL
                for (int q = 0; q < UNIT / GRAIN; q++, xs += (MR - rows) * GRAIN) {
                    const struct two v = weights_of(ws, ls, q);
                    EQ_UNROLL
                    for (int i = 0; i < rows; i += ROWS) {
                        const struct four f = load_four(xs);
                        MOVE(xs, ROWS * GRAIN);
                        EQ_UNROLL
                        for (int j = 0; j < ROWS; j++) {
                            sum[i + j][0] = multiply(sum[i + j][0], f.v[j], v.channel[0], lows);
                            sum[i + j][1] = multiply(sum[i + j][1], f.v[j], v.channel[1], lows);
                        }
                        KEEP_ORDER(sum[i][0], sum[i + 1][0], sum[i + 2][0], sum[i + 3][0]);
                        KEEP_ORDER(sum[i][1], sum[i + 1][1], sum[i + 2][1], sum[i + 3][1]);
                    }
                }
            }
            EQ_UNROLL
            for (int i = 0; i < rows; i += 2) {
                const int32x4_t more = lanes_of(sum[i][0], sum[i][1], sum[i + 1][0], sum[i + 1][1]);
                sums[i + h] = left == units ? more : vaddq_s32(sums[i + h], more);
            }
        }
    }
    EQ_UNROLL
    for (int i = 0; i < rows; i += 2) {
        const int32x4_t a = sums[i], b = sums[i + 1];
        sums[i] = vcombine_s32(vget_low_s32(a), vget_low_s32(b));
        sums[i + 1] = vcombine_s32(vget_high_s32(a), vget_high_s32(b));
    }
}

#include "neon_smlal_row.h"

#define EQ_BLOCKS(x, w, low, apart, units, lows, sums)                                                                                     \
    for (int j = 0; j < WIDE; j += AT_ONCE) one_row(x, w, low, (apart) + j, units, lows, (sums) + j)
#define EQ_PRODUCTS(name, copy, ...)                                                                                                       \
    copy void name(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {              \
        (void)apart;                                                                                                                       \
        __VA_ARGS__;                                                                                                                       \
    }
EQ_PRODUCTS(panel, EQ_ONE_COPY, rows_of(x, w, low, units, MR, 0, sums))
EQ_PRODUCTS(single, EQ_ONE_COPY, EQ_BLOCKS(x, w, low, apart, units, 0, sums))
#if EQ_ON_neon
EQ_PRODUCTS(quad, EQ_ONE_COPY, rows_of(x, w, low, units, ROWS, 0, sums))
#else
#define quad panel
#endif
#define ENGINE ((struct engine){panel, quad, single})
#endif
