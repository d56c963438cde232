/* Constant weights of an operator with int8 activations, of any width: how the file has them (SPEC 2.1), and what it proves of them. */
#ifndef EQ_OPS_WEIGHTS_H
#define EQ_OPS_WEIGHTS_H
#include "rq.h"

struct eq_weights {
    const uint8_t *data;
    const uint8_t *low;         /* s4, a plane like data: the weights are 16 data + low. NULL: there is none */
    const uint8_t *multipliers; /* [channels][taps][groups of a tap]: what the sum of a group counts. NULL: there are none */
    size_t group, depth;        /* inputs of a group, and of a tap; depth is what the last group of a tap may be shorter for */
    int32_t times;              /* 16 where data is the high plane alone, else 1 */
    int32_t zero;
    int type;
    size_t count, multiplier_count;
    struct eq_rq rq;
};

/* Weights of a byte: all that there are in a build without low_weights. */
static inline bool eq_are_bytes(const struct eq_weights *w) { return !EQ_HAS(low_weights) || w->type == EQ_TYPE_s8; }

/* The inputs from the second on of a node that has `channels` channels of `taps` taps of `depth` inputs. depth 0: groups are refused. */
int eq_weights_from(struct eq_weights *w, const struct eq_node *node, const struct eq_tensor *tensors, size_t channels, size_t taps,
                    size_t depth, int32_t w_zero);
/* Every number of the channel parameters and multipliers. */
int eq_weights_check(const struct eq_weights *w, size_t channels, const struct eq_s8_attrs *attrs);

/* The integers of `count` elements, `step` apart, as they lie: zero, multipliers and times come behind. */
void eq_weights_read(const struct eq_weights *w, size_t first, size_t step, size_t count, int8_t *to);

/* Weights of n channels, each of `parts` pieces of `part` inputs, and the distances between them. Groups of inputs: a part is a tap. */
struct eq_matrix {
    const struct eq_weights *w;
    size_t first, channel; /* the element that channel 0 begins with, and its place in the channel parameters */
    size_t n, parts, part, o_step, part_step, k_step;
};
/* What the inputs of a channel count in all, and in magnitude; the smallest weight, without zero and multiplier. */
struct eq_weight_sum {
    int64_t sum, magnitude;
    int32_t lowest;
};
struct eq_weight_sum eq_matrix_sum(const struct eq_matrix *x, size_t o);
/* SPEC 1.1, of every channel: what its sum can reach is below 2^31. */
bool eq_matrix_fits(const struct eq_matrix *x, int32_t x_zero);
#endif
