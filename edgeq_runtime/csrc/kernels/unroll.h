#ifndef EQ_KERNELS_UNROLL_H
#define EQ_KERNELS_UNROLL_H
/* Before a loop over an array of vectors: clang keeps it in memory where it does not unroll the loop early, which with sanitizers would
 * take it minutes. gcc does so by itself. */
#define EQ_UNROLL
#ifdef __clang__
#if !__has_feature(address_sanitizer)
#undef EQ_UNROLL
#define EQ_UNROLL _Pragma("clang loop unroll(full)")
#endif
#endif
#endif
