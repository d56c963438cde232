#include "op.h"

enum { CONSTANT, REFLECT, EDGE, WRAP };

/* How far an axis of `length` can be padded on one side. */
static int32_t reach(int32_t mode, int32_t length) { return mode == REFLECT ? length - 1 : mode == WRAP ? length : INT32_MAX; }

int eq_prepare_pad(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    const struct eq_pad_attrs *a = node->attrs;
    EQ_NEED_SHAPE(x->rank == y->rank && a->mode >= CONSTANT && a->mode <= WRAP);
    for (int i = 0; i < EQ_MAX_RANK; i++) {
        const int32_t most = i < x->rank ? reach(a->mode, x->dims[i]) : 0;
        EQ_NEED_SHAPE(a->before[i] >= 0 && a->before[i] <= most && a->after[i] >= 0 && a->after[i] <= most);
        EQ_NEED_SHAPE((int64_t)x->dims[i] + a->before[i] + a->after[i] == y->dims[i]);
    }
    return eq_prepare_mover(node, ctx);
}

/* Index i of the axis, -before <= i < length + after, as one inside; -1: the constant. */
static ptrdiff_t source(int32_t mode, ptrdiff_t i, ptrdiff_t length) {
    if (i >= 0 && i < length) return i;
    switch (mode) {
    case REFLECT:
        return i < 0 ? -i : 2 * (length - 1) - i;
    case EDGE:
        return i < 0 ? 0 : length - 1;
    case WRAP:
        return i < 0 ? i + length : i - length;
    default:
        return -1;
    }
}

struct job {
    const struct eq_tensor *x, *y;
    const struct eq_pad_attrs *attrs;
    const uint8_t *from;
    int last;    /* the innermost axis that is padded */
    size_t unit; /* bytes of one index of it */
    size_t size; /* bytes of an element */
};

static void fill(const struct job *job, uint8_t *y, size_t bytes) {
    if (job->size == 1) {
        memset(y, job->attrs->value & 0xff, bytes);
    } else {
        for (size_t i = 0; i < bytes; i += job->size) memcpy(y + i, &job->attrs->value, job->size);
    }
}

/* `count` indices of the last padded axis from `first` on, counted as in x; all of them outside. */
static void border(const struct job *job, const uint8_t *row, ptrdiff_t first, int32_t count, uint8_t *y) {
    if (job->attrs->mode == CONSTANT) {
        fill(job, y, (size_t)count * job->unit);
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        const ptrdiff_t from = source(job->attrs->mode, first + i, job->x->dims[job->last]);
        memcpy(y + (size_t)i * job->unit, row + (size_t)from * job->unit, job->unit);
    }
}

/* The row of x that row `index` (along the axes before the last padded one) of y shows; NULL: the constant. */
static const uint8_t *row_of(const struct job *job, const int32_t *index) {
    size_t at = 0;
    for (int i = 0; i < job->last; i++) {
        const ptrdiff_t from = source(job->attrs->mode, (ptrdiff_t)index[i] - job->attrs->before[i], job->x->dims[i]);
        if (from < 0) return NULL;
        at = at * (size_t)job->x->dims[i] + (size_t)from;
    }
    return job->from + at * (size_t)job->x->dims[job->last] * job->unit;
}

static bool next(const struct job *job, int32_t *index) {
    for (int i = job->last - 1; i >= 0; i--) {
        if (++index[i] < job->y->dims[i]) return true;
        index[i] = 0;
    }
    return false;
}

void eq_run_pad(const struct eq_call *call) {
    struct job job = {.x = eq_in(call->node, call->tensors, 0),
                      .y = eq_out(call->node, call->tensors, 0),
                      .attrs = call->node->attrs,
                      .from = eq_read(call, 0)};
    job.size = job.unit = eq_element_bytes(job.x);
    for (job.last = EQ_MAX_RANK - 1; job.last > 0 && job.x->dims[job.last] == job.y->dims[job.last]; job.last--) {
        job.unit *= (size_t)job.x->dims[job.last];
    }
    const int32_t before = job.attrs->before[job.last], after = job.attrs->after[job.last], inside = job.x->dims[job.last];
    const size_t row_bytes = (size_t)job.y->dims[job.last] * job.unit;
    uint8_t *y = eq_write(call, 0);
    int32_t index[EQ_MAX_RANK] = {0};
    do {
        const uint8_t *row = row_of(&job, index);
        if (row == NULL) {
            fill(&job, y, row_bytes);
        } else {
            border(&job, row, -(ptrdiff_t)before, before, y);
            memcpy(y + (size_t)before * job.unit, row, (size_t)inside * job.unit);
            border(&job, row, inside, after, y + ((size_t)before + (size_t)inside) * job.unit);
        }
        y += row_bytes;
    } while (next(&job, index));
}
