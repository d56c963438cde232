/* Memory for ports without a heap: one pool, first fit, neighbours join when freed. */
#ifndef EQ_POOL_H
#define EQ_POOL_H
#include <stddef.h>
#include <stdint.h>

struct eq_pool {
    uint8_t *memory; /* aligned to EQ_ALIGN */
    size_t size;     /* a multiple of EQ_ALIGN; its first EQ_ALIGN bytes zero before the first use */
    int marked;      /* since eq_pool_mark */
};
/* Zeroed, aligned to EQ_ALIGN; NULL where no gap is large enough. Each block takes EQ_ALIGN bytes more. */
void *eq_pool_alloc(struct eq_pool *pool, size_t size);
void eq_pool_free(struct eq_pool *pool, void *memory); /* NULL is allowed */
size_t eq_pool_room(const struct eq_pool *pool);       /* bytes that are not in use */
/* Around work that may be ended at any moment: eq_pool_settle keeps what was allocated since the mark, or gives it back (keep 0). */
void eq_pool_mark(struct eq_pool *pool);
void eq_pool_settle(struct eq_pool *pool, int keep);
#endif
