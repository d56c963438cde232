#ifndef EQ_KERNELS_UNROLL_H
#define EQ_KERNELS_UNROLL_H
/* gcc would write loops twice, for what differs in few of their rounds. */
#ifndef __clang__
#pragma GCC optimize("no-split-loops", "no-unswitch-loops")
#endif

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
