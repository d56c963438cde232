/* What the tiles of vnni_low.h take of some blocks of channels, and how sums of groups become what they count. */
#ifndef EQ_KERNELS_VNNI_STRIP_H
#define EQ_KERNELS_VNNI_STRIP_H

/* A row of its own would wait for one sum after the other. */
enum { CHAINS = 2, STEPS = UNIT / KR };

static const uint8_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}; /* multipliers where there are none */

/* Some blocks of channels, and what the tiles of all rows take of them. */
struct strip {
    v_rq rq[WIDE];
    vec start[WIDE]; /* of sums */
    const int8_t *w, *low;
    const uint8_t *multipliers;
    size_t o, blocks, block; /* first channel; how many blocks there are, bytes from one to the next */
    size_t groups, step;     /* multipliers from block to block, from group to group */
    struct low_shape shape;
    int late; /* sums become what they count group by group; else the channel parameters count as much as they do */
};

/* Parameters of all blocks, which take sums that count 2^up-fold; 0 where some cannot. */
EQ_INLINE int load_parameters(low_args g, struct strip *s, int up) {
    const size_t depth = g->parts * s->shape.units * UNIT; /* what products add is at most 255 (128 >> up) of each input */
    const int32_t most = (int32_t)((INT32_MAX >> up) - (int64_t)depth * 255 * (128 >> up));
    int fit = 1;
    for (size_t j = 0; j < s->blocks; j++) fit &= v_params(g, s->o + NR * j, up, most, &s->rq[j]);
    return fit;
}

EQ_ONE_COPY void load(low_args g, struct low_shape shape, size_t o, size_t blocks, struct strip *s) {
    const int up = UP != 0 && g->up == 0 ? UP : 0;
    s->shape = shape;
    s->block = g->parts * shape.units * NR * KR;
    s->groups = g->multipliers ? g->parts * shape.groups * NR : 0;
    s->step = g->multipliers ? NR : 0;
    s->w = g->w + o / NR * s->block;
    s->low = PLANES == 2 ? (const int8_t *)g->low + o / NR * s->block : s->w;
    s->multipliers = g->multipliers ? g->multipliers + o / NR * s->groups : ones;
    s->o = o;
    s->blocks = blocks;
    s->late = (UP != 0 && g->multipliers) || !load_parameters(g, s, up);
    if (s->late) load_parameters(g, s, 0);
    if (blocks == 1) s->rq[1] = s->rq[0];
    for (size_t j = 0; j < blocks; j++) s->start[j] = s->late ? v_words(0) : s->rq[j].bias;
}

/* Sums of groups, in memory: registers are for those of one. */
struct late {
    vec total[ROWS * 2]; /* [rows][blocks] */
    const uint8_t *multipliers;
};

/* A block that is not there is any other. */
EQ_INLINE size_t place(const struct strip *s, int j) { return (size_t)j < s->blocks ? (size_t)j : 0; }

EQ_RARE void start(const struct strip *s, int rows, int blocks, struct late *late) {
    vec *total = late->total;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) v_store(total++, s->rq[place(s, j)].bias);
    late->multipliers = s->multipliers;
}

/* Adds the sums of a group, as often as it counts. */
EQ_INLINE void add_sums(low_args g, const struct strip *s, int rows, int blocks, const vec *sums, struct late *late) {
    for (int j = 0; j < blocks; j++) {
        const vec times = v_times(late->multipliers + place(s, j) * s->groups);
        for (int i = j; i < rows * blocks; i += blocks)
            v_store(late->total + i, v_add(v_load(late->total + i), v_mul(g->up ? sums[i] : v_less(sums[i], UP), times)));
    }
    late->multipliers += s->step;
}
EQ_SMALL void add_sums_apart(low_args g, const struct strip *s, int rows, int blocks, const vec *sums, struct late *late) {
    add_sums(g, s, rows, blocks, sums, late);
}

/* The same with the sums that acc has, which is 0 then. */
EQ_INLINE void add_group(low_args g, const struct strip *s, const int rows, const int blocks, vec acc[][WIDE], struct late *late) {
    vec sums[ROWS * 2];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) {
            sums[i * blocks + j] = rows == 1 ? v_add(acc[0][j], acc[CHAINS - 1][j]) : acc[i][j];
            acc[i][j] = v_words(0);
            if (rows == 1) acc[CHAINS - 1][j] = v_words(0);
        }
    if (APART) add_sums_apart(g, s, rows, blocks, sums, late);
    else add_sums(g, s, rows, blocks, sums, late);
}
#endif
