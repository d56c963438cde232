/* The rows of kernels.def, called on operands that the operators would give them. No clock, no memory of its own: the agent of a device
 * and libedgeq-bench both measure with it. */
#ifndef EQ_BENCH_ROWS_H
#define EQ_BENCH_ROWS_H
#include <stddef.h>
#include <stdint.h>

/* Row `index`, as it is built. */
struct eq_bench_row {
    const char *kernel, *isa;
    uint32_t isa_bit;
    int mr, nr, kr;
};
int eq_bench_row_count(void);
void eq_bench_row(int index, struct eq_bench_row *row);
/* Whether the row is built in and its instruction set in the mask. */
int eq_bench_row_here(int index, uint32_t isas);
/* Whether operators would use it there. */
int eq_bench_row_chosen(int index, uint32_t isas);

/* One call takes at most so many multiply-adds, or elements: it cannot be interrupted. Of signs with signs eight times as many. */
#define EQ_BENCH_MOST_WORK (1u << 21)
/* size: three numbers, each 1 .. 65536, their product at most EQ_BENCH_MOST_WORK (b1_b1: eight times that):
 * gemm: rows (at most mr, but for those of bands), channels, inputs; dwconv: pixels (of s8_u8_s8 a multiple of 4), channels, taps
 * (a multiple of 3, at most 63); maxpool: pixels, channels, taps (a multiple of 3); sum: 1, channels, taps; add, lookup: elements, 1, 1;
 * sign, unpack: pixels, channels, 1. Bytes of zeroed memory, aligned to EQ_ALIGN, that a call needs, or 0 where the row has no such case.
 */
size_t eq_bench_row_bytes(int index, const size_t size[3]);
/* n calls. The size has been given to eq_bench_row_bytes. */
void eq_bench_row_call(int index, const size_t size[3], void *memory, int n);
#endif
