#include "eq_threads.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Rounds of waiting before a thread goes to sleep, some tens of microseconds: layers follow each other faster, inferences of a camera
 * do not. The caller gives way after as many, since a task may wait for a core. */
enum { SPIN = 1 << 12 };

struct eq_threads {
    struct eq_workers workers;
    void (*task)(void *argument, int index);
    void *argument;
    _Atomic uint64_t state; /* round of work << 32 | shares of it that are taken */
    atomic_int done;        /* shares that are finished */
    atomic_int sleeping;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of going to sleep */
    pthread_cond_t wake;
    int started;
    pthread_t members[];
};

static void pause_shortly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static uint32_t round_of(struct eq_threads *pool) { return (uint32_t)(atomic_load(&pool->state) >> 32); }

static uint32_t wait_for_work(struct eq_threads *pool, uint32_t seen) {
    for (int i = 0; i < SPIN; i++) {
        const uint32_t round = round_of(pool);
        if (round != seen) return round;
        pause_shortly();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (round_of(pool) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
    return round_of(pool);
}

/* Take shares of a round while there are some. Whoever has a core takes them: nobody waits for a member that the system does not run. A
 * round ends only when all its shares are done, so one that was taken keeps task and argument as they are. */
static void take_shares(struct eq_threads *pool, uint32_t round) {
    uint64_t state = atomic_load(&pool->state);
    while ((uint32_t)(state >> 32) == round && (int)(uint32_t)state < pool->workers.threads) {
        if (!atomic_compare_exchange_weak(&pool->state, &state, state + 1)) continue;
        pool->task(pool->argument, (int)(uint32_t)state);
        atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
        state = atomic_load(&pool->state);
    }
}

static void *serve(void *argument) {
    struct eq_threads *pool = argument;
    for (uint32_t seen = 0;;) {
        seen = wait_for_work(pool, seen);
        if (atomic_load(&pool->stopping)) return NULL;
        take_shares(pool, seen);
    }
}

/* A member that has looked at the round before it changed is either counted in `sleeping`, or sees the new one under the lock. */
static uint32_t announce(struct eq_threads *pool) {
    const uint32_t round = round_of(pool) + 1;
    atomic_store(&pool->state, (uint64_t)round << 32);
    if (atomic_load(&pool->sleeping) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    return round;
}

static void run(void *context, void (*task)(void *argument, int index), void *argument) {
    struct eq_threads *pool = context;
    pool->task = task;
    pool->argument = argument;
    atomic_store(&pool->done, 0);
    take_shares(pool, announce(pool));
    for (int i = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < pool->workers.threads; i++) {
        if (i < SPIN) pause_shortly();
        else sched_yield();
    }
}

struct eq_threads *eq_threads_start(int threads) {
    if (threads < 2 || threads > EQ_THREADS_MAX) return NULL;
    struct eq_threads *pool = calloc(1, sizeof *pool + (size_t)(threads - 1) * sizeof *pool->members);
    if (!pool) return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->workers = (struct eq_workers){run, pool, threads};
    for (; pool->started < threads - 1; pool->started++) {
        if (pthread_create(&pool->members[pool->started], NULL, serve, pool)) {
            eq_threads_stop(pool);
            return NULL;
        }
    }
    return pool;
}

void eq_threads_stop(struct eq_threads *pool) {
    if (!pool) return;
    atomic_store(&pool->stopping, true);
    (void)announce(pool);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->members[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

const struct eq_workers *eq_threads_workers(const struct eq_threads *pool) { return &pool->workers; }
