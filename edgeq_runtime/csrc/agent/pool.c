#include "../eq.h"
#include "eq_pool.h"
#include <string.h>

/* Before every block, EQ_ALIGN bytes long. size 0: the pool has never been used. */
struct head {
    size_t size; /* of the block behind the head */
    int used;    /* 2: since the mark */
};

static struct head *head_at(const struct eq_pool *pool, size_t at) { return (struct head *)(void *)(pool->memory + at); }

static size_t next(const struct eq_pool *pool, size_t at) { return at + EQ_ALIGN + head_at(pool, at)->size; }

static void join(struct eq_pool *pool, size_t at) {
    size_t after = next(pool, at);
    while (after < pool->size && !head_at(pool, after)->used) {
        head_at(pool, at)->size += EQ_ALIGN + head_at(pool, after)->size;
        after = next(pool, at);
    }
}

void *eq_pool_alloc(struct eq_pool *pool, size_t size) {
    if (size > pool->size) return NULL;
    size_t need = size ? (size + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN : EQ_ALIGN;
    if (head_at(pool, 0)->size == 0) head_at(pool, 0)->size = pool->size - EQ_ALIGN;
    for (size_t at = 0; at < pool->size; at = next(pool, at)) {
        struct head *head = head_at(pool, at);
        if (head->used || head->size < need) continue;
        if (head->size >= need + 2 * EQ_ALIGN) {
            *head_at(pool, at + EQ_ALIGN + need) = (struct head){head->size - need - EQ_ALIGN, 0};
            head->size = need;
        }
        head->used = 1 + (pool->marked != 0);
        return memset(pool->memory + at + EQ_ALIGN, 0, need);
    }
    return NULL;
}

void eq_pool_free(struct eq_pool *pool, void *memory) {
    if (!memory) return;
    head_at(pool, (size_t)((uint8_t *)memory - pool->memory) - EQ_ALIGN)->used = 0;
    for (size_t at = 0; at < pool->size; at = next(pool, at))
        if (!head_at(pool, at)->used) join(pool, at);
}

size_t eq_pool_room(const struct eq_pool *pool) {
    size_t room = 0;
    if (head_at(pool, 0)->size == 0) return pool->size - EQ_ALIGN;
    for (size_t at = 0; at < pool->size; at = next(pool, at))
        if (!head_at(pool, at)->used) room += head_at(pool, at)->size;
    return room;
}

void eq_pool_mark(struct eq_pool *pool) { pool->marked = 1; }

void eq_pool_settle(struct eq_pool *pool, int keep) {
    pool->marked = 0;
    if (head_at(pool, 0)->size == 0) return;
    for (size_t at = 0; at < pool->size; at = next(pool, at)) {
        struct head *head = head_at(pool, at);
        if (head->used > 1) head->used = keep != 0;
    }
    for (size_t at = 0; at < pool->size; at = next(pool, at))
        if (!head_at(pool, at)->used) join(pool, at);
}
