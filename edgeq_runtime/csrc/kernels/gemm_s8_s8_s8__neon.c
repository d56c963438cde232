/* Two products of int8 fit in int16: 16 inputs of a row and a channel take smull, smlal2 and one pairwise add into four int32. Only
 * (-128)(-128) twice does not fit; weights with a -128 take the products one by one. 4 rows x 4 channels at a time; single rows take 16
 * channels. */
#include "neon_rows.h"

enum { KR = 16 };

/* Weights of a channel. */
EQ_INLINE size_t depth(const struct eq_gemm_s8_s8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

EQ_INLINE int32x4_t add_products(int32x4_t acc, int8x16_t a, int8x16_t w, const int first, const int low) {
    int16x8_t p = vmull_s8(vget_low_s8(a), vget_low_s8(w));
    if (low) {
        acc = first ? vpaddlq_s16(p) : vpadalq_s16(acc, p);
        return vpadalq_s16(acc, vmull_high_s8(a, w));
    }
    p = vmlal_high_s8(p, a, w);
    return first ? vpaddlq_s16(p) : vpadalq_s16(acc, p);
}

EQ_INLINE void block_step(const int8x16_t x[ROWS], const int8_t **w, const int rows, const int first, const int low, int32x4_t acc[][NR]) {
    for (int j = 0; j < NR; j++) {
        const int8x16_t v = vld1q_s8(*w + j * KR);
        for (int i = 0; i < rows; i++) acc[i][j] = add_products(acc[i][j], x[i], v, first, low);
    }
    *w += NR * KR;
}

/* These sums are done before the next block begins: its weights and products would not fit in registers too. */
#define KEEP_ORDER(acc) __asm__ volatile("" : "+w"((acc)[0]), "+w"((acc)[1]), "+w"((acc)[2]), "+w"((acc)[3]) : : "memory")

/* 16 inputs of every row; the pointers move on. */
EQ_INLINE void step(const int8_t *a[ROWS], const int8_t *w[WIDE], const int rows, const int blocks, const int first, const int low,
                    int32x4_t acc[ROWS * WIDE][NR]) {
    int8x16_t x[ROWS];
    for (int i = 0; i < rows; i++, a[i - 1] += KR) x[i] = vld1q_s8(a[i]);
    block_step(x, &w[0], rows, first, low, acc);
    if (blocks == 1) return;
    KEEP_ORDER(acc[0]);
    block_step(x, &w[1], rows, first, low, acc + 1);
    KEEP_ORDER(acc[1]);
    block_step(x, &w[2], rows, first, low, acc + 2);
    KEEP_ORDER(acc[2]);
    block_step(x, &w[3], rows, first, low, acc + 3);
}

EQ_INLINE void tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks, const int low) {
    const size_t part = depth(g) / g->parts;
    const int8_t *a[ROWS], *first[ROWS], *w[WIDE];
    int32x4_t acc[ROWS * WIDE][NR], v[4];
    for (int b = 0; b < blocks; b++) w[b] = g->w + (at + NR * (size_t)b) * depth(g);
    for (int i = 0; i < rows; i++) {
        first[i] = g->a + g->rows[row + (size_t)i];
        a[i] = first[i] + g->parts_at[0];
    }
    const int8_t *end = a[0] + part;
    step(a, w, rows, blocks, 1, low, acc);
    for (size_t p = 1;; p++) {
        while (a[0] != end) step(a, w, rows, blocks, 0, low, acc);
        if (p == g->parts) break;
        for (int i = 0; i < rows; i++) a[i] = first[i] + g->parts_at[p];
        end = a[0] + part;
    }
    for (int i = 0; i < 4; i++) {
        v[i] = i < rows * blocks ? sum_lanes(acc[i]) : vdupq_n_s32(0);
        if (__builtin_expect(g->w_zero != 0, 0)) v[i] = vsubq_s32(v[i], vdupq_n_s32((int32_t)zero_term(g, first[rows > i ? i : 0])));
    }
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    const size_t next = blocks > 1 ? NR : 0;
    const struct ends e[] = {ends_of(&g->rq, at), ends_of(&g->rq, at + next), ends_of(&g->rq, at + 2 * next),
                             ends_of(&g->rq, at + 3 * next)};
    const int8x16_t bytes = requantized(&clamp, g->n_lowest < 1, (const struct ends *[]){&e[0], &e[1], &e[2], &e[3]}, v);
    int8_t *y = g->y + row * g->y_stride + at;
    if (blocks > 1) store_row(y, g->n - at, bytes);
    else if (g->n - at >= NR) store_rows(y, g->y_stride, (size_t)rows, bytes);
    else store_part(y, g->y_stride, g->n - at, (size_t)rows, bytes);
}

EQ_INLINE void run(const struct eq_gemm_s8_s8_s8 *g, const int low) {
    size_t at = 0;
    if (g->m == 1 && !low)
        for (; at + NR * (WIDE - 1) < g->n; at += NR * WIDE) tile(g, 0, at, 1, WIDE, low);
    for (; at < g->n; at += NR) {
        size_t row = 0;
        for (; row + ROWS <= g->m; row += ROWS) tile(g, row, at, ROWS, 1, low);
        if (low)
            for (; row < g->m; row++) tile(g, row, at, 1, 1, low);
        else if (g->m - row == 3) tile(g, row, at, 3, 1, low);
        else if (g->m - row == 2) tile(g, row, at, 2, 1, low);
        else if (g->m - row == 1) tile(g, row, at, 1, 1, low);
    }
}

/* Rare: as few tiles as may be. */
static __attribute__((noinline)) void run_low(const struct eq_gemm_s8_s8_s8 *args) {
    const struct eq_gemm_s8_s8_s8 local = *args; /* what stores to y cannot change */
    run(&local, 1);
}

void eq_gemm_s8_s8_s8__neon(const struct eq_gemm_s8_s8_s8 *args) {
    const struct eq_gemm_s8_s8_s8 local = *args;
    if (args->w_lowest == INT8_MIN) run_low(args);
    else run(&local, 0);
}
