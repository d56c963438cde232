#include "eq_threads.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Rounds of waiting before a thread goes to sleep, some tens of microseconds: layers follow each other faster, inferences of a camera
 * do not. The caller gives way after as many, since a task may wait for a core. */
enum { SPIN = 1 << 12 };

struct member {
    struct eq_threads *pool;
    int index;
    pthread_t id;
};

struct eq_threads {
    struct eq_workers workers;
    void (*task)(void *argument, int index);
    void *argument;
    atomic_uint round; /* of work; changes when there is some */
    atomic_int busy;   /* members that have not finished it */
    atomic_int sleeping;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of going to sleep */
    pthread_cond_t wake;
    int started;
    struct member members[];
};

static void pause_shortly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static unsigned wait_for_work(struct eq_threads *pool, unsigned seen) {
    for (int i = 0; i < SPIN; i++) {
        const unsigned round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen) return round;
        pause_shortly();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (atomic_load(&pool->round) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
    return atomic_load(&pool->round);
}

static void *serve(void *argument) {
    const struct member *member = argument;
    struct eq_threads *pool = member->pool;
    for (unsigned seen = 0;;) {
        seen = wait_for_work(pool, seen);
        if (atomic_load(&pool->stopping)) return NULL;
        pool->task(pool->argument, member->index);
        atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_release);
    }
}

/* A member that has looked at the round before it changed is either counted in `sleeping`, or sees the new one under the lock. */
static void announce(struct eq_threads *pool) {
    atomic_fetch_add(&pool->round, 1);
    if (atomic_load(&pool->sleeping) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static void run(void *context, void (*task)(void *argument, int index), void *argument) {
    struct eq_threads *pool = context;
    pool->task = task;
    pool->argument = argument;
    atomic_store(&pool->busy, pool->started);
    announce(pool);
    task(argument, 0);
    for (int i = 0; atomic_load_explicit(&pool->busy, memory_order_acquire) > 0; i++) {
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
        struct member *member = &pool->members[pool->started];
        *member = (struct member){.pool = pool, .index = pool->started + 1};
        if (pthread_create(&member->id, NULL, serve, member)) {
            eq_threads_stop(pool);
            return NULL;
        }
    }
    return pool;
}

void eq_threads_stop(struct eq_threads *pool) {
    if (!pool) return;
    atomic_store(&pool->stopping, true);
    announce(pool);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->members[i].id, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

const struct eq_workers *eq_threads_workers(const struct eq_threads *pool) { return &pool->workers; }
