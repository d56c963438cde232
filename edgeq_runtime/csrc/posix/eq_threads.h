/* Threads for eq_run_on where there is POSIX: they are started once, wait for work spinning for a short while and then asleep. One
 * inference at a time uses them. A process that forks starts new ones in the child. */
#ifndef EQ_THREADS_H
#define EQ_THREADS_H
#include "../eq.h"

struct eq_threads;
/* threads: 2 to EQ_THREADS_MAX, the caller's own is one of them. NULL: the number is out of range, or the system gives none. */
struct eq_threads *eq_threads_start(int threads);
void eq_threads_stop(struct eq_threads *pool); /* NULL: nothing */
/* For eq_run_on; as long as the pool is there. */
const struct eq_workers *eq_threads_workers(const struct eq_threads *pool);
#endif
