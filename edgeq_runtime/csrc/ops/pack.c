#include "pack.h"
#include <stdbool.h>
#include <string.h>

static size_t blocks(const struct eq_kernel *kernel, size_t n) { return (n + kernel->nr - 1) / kernel->nr; }

size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k) {
    return kernel->kr ? blocks(kernel, n) * kernel->nr * eq_gemm_k(kernel, k) : n * k;
}

/* kr inputs of one channel, of which `real` are there. */
static int8_t *pack_step(const int8_t *w, size_t k_step, size_t real, size_t kr, int8_t *packed) {
    if (k_step == 1) memcpy(packed, w, real);
    else
        for (size_t i = 0; i < real; i++) packed[i] = w[i * k_step];
    if (real < kr) memset(packed + real, 0, kr - real);
    return packed + kr;
}

void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed) {
    const size_t nr = kernel->kr ? kernel->nr : 1, kr = kernel->kr ? kernel->kr : k;
    for (size_t block = 0; block < n; block += nr) {
        const size_t end = n - block < nr ? n : block + nr, missing = (block + nr - end) * kr;
        for (size_t i = 0; i < k; i += kr, packed += missing) {
            const size_t real = k - i < kr ? k - i : kr;
            for (size_t o = block; o < end; o++) packed = pack_step(w + o * o_step + i * k_step, k_step, real, kr, packed);
            if (missing) memset(packed, 0, missing);
        }
    }
}

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }

size_t eq_gemm_s8_bytes(const struct eq_kernel *kernel, size_t n, size_t parts, size_t part) {
    if (!kernel->kr) return aligned(n * parts * part);
    return aligned(blocks(kernel, n) * kernel->nr * parts * (eq_gemm_k(kernel, part) / eq_gemm_unit(kernel) * kernel->kr));
}

/* `count` inputs of a channel from the i-th of a part on, as the kernel counts them; `size` of them with zeros behind. */
static void read_step(const struct eq_matrix *x, size_t o, size_t part, size_t i, size_t count, size_t size, int8_t *to) {
    eq_weights_read(x->w, x->first + o * x->o_step + part * x->part_step + i * x->k_step, x->k_step, count, to);
    memset(to + count, 0, size - count);
}

/* A unit of bytes [nr][kr], or [kr][nr] for rows of 16 bits: input s kr + i of it in field s of byte i, from the lowest bits on. */
static void pack_unit(const struct eq_kernel *kernel, const struct eq_matrix *x, size_t o, size_t part, size_t i, int8_t *packed) {
    enum { MOST = 8 * 16 };
    const size_t bits = (size_t)eq_weight_bits(kernel), kr = kernel->kr, unit = eq_gemm_unit(kernel);
    const size_t count = x->part - i < unit ? x->part - i : unit;
    const bool by_input = !memcmp(kernel->types, "s8_s16_", 7);
    const size_t step = by_input ? kernel->nr : 1;
    int8_t w[MOST];
    for (size_t end = o + kernel->nr; o < end; o++, packed += by_input ? 1 : kr) {
        read_step(x, o, part, i, o < x->n ? count : 0, unit, w);
        for (size_t j = 0; j < kr; j++) {
            unsigned byte = 0;
            for (size_t s = 0; s * bits < 8; s++) {
                const int v = w[s * kr + j] * x->w->times;
                byte |= (bits == 1 ? v < 0 : (unsigned)v & ((1u << bits) - 1)) << (s * bits);
            }
            packed[j * step] = (int8_t)byte;
        }
    }
}

static void pack_plane(const struct eq_kernel *kernel, const struct eq_matrix *x, int8_t *packed) {
    const size_t unit = eq_gemm_unit(kernel);
    for (size_t o = 0; o < x->n; o += kernel->nr)
        for (size_t part = 0; part < x->parts; part++)
            for (size_t i = 0; i < x->part; i += unit, packed += kernel->nr * kernel->kr) pack_unit(kernel, x, o, part, i, packed);
}

void eq_gemm_s8_pack(const struct eq_kernel *kernel, const struct eq_matrix *x, int8_t *packed) {
    const size_t part = eq_gemm_k(kernel, x->part), nr = kernel->nr;
    struct eq_weights high = *x->w;
    struct eq_matrix plane = *x;
    plane.w = &high;
    if (EQ_HAS(low_weights) && eq_weight_bits(kernel) < 8) {
        high.low = NULL; /* the kernel itself joins the planes, or counts 16-fold */
        high.times = 1;
        pack_plane(kernel, &plane, packed);
        return;
    }
    if (!eq_are_bytes(x->w)) {
        pack_plane(kernel, x, packed);
        return;
    }
    const int8_t *w = (const int8_t *)x->w->data + x->first;
    for (size_t o = 0; o < x->n; o += nr)
        for (size_t i = 0; i < x->parts; i++)
            eq_gemm_pack(kernel, x->n - o < nr ? x->n - o : nr, x->part, w + o * x->o_step + i * x->part_step, x->o_step, x->k_step,
                         packed + (o * x->parts + i * nr) * part);
}

void eq_gemm_s8_pack_low(const struct eq_kernel *kernel, const struct eq_matrix *x, int8_t *packed) {
    struct eq_weights low = *x->w;
    struct eq_matrix plane = *x;
    low.data = low.low;
    low.low = NULL;
    plane.w = &low;
    pack_plane(kernel, &plane, packed);
}

size_t eq_gemm_s8_channels(const struct eq_kernel *kernel, size_t n) { return blocks(kernel, n) * kernel->nr; }

size_t eq_gemm_s8_head_bytes(size_t channels, size_t groups) { return aligned(EQ_ALIGN + (9 + groups) * channels); }

static void pack_multipliers(const struct eq_kernel *kernel, const struct eq_matrix *x, uint8_t *packed) {
    const struct eq_weights *w = x->w;
    const size_t groups = x->parts * ((x->part + w->group - 1) / w->group), channels = eq_gemm_s8_channels(kernel, x->n);
    for (size_t block = 0; block < channels; block += kernel->nr)
        for (size_t g = 0; g < groups; g++)
            for (size_t o = block; o < block + kernel->nr; o++) *packed++ = o < x->n ? w->multipliers[(x->channel + o) * groups + g] : 0;
}

void eq_gemm_s8_heads(const struct eq_kernel *kernel, const struct eq_matrix *x, int32_t x_zero, void *memory) {
    const size_t channels = eq_gemm_s8_channels(kernel, x->n);
    const struct eq_gemm_s8_heads p = eq_gemm_s8_heads_in(channels, memory);
    const struct eq_rq *rq = &x->w->rq;
    *p.w_lowest = *p.n_lowest = INT8_MAX;
    for (size_t o = 0; o < channels; o++) {
        p.bias[o] = p.m[o] = 0;
        p.n[o] = 2;
        if (o >= x->n) continue;
        const struct eq_weight_sum s = eq_matrix_sum(x, o);
        p.bias[o] = (int32_t)((uint32_t)rq->bias[x->channel + o] - (uint32_t)x_zero * (uint32_t)s.sum);
        p.m[o] = rq->m[x->channel + o];
        p.n[o] = rq->n[x->channel + o];
        if (s.lowest < *p.w_lowest) *p.w_lowest = s.lowest;
        if (p.n[o] < *p.n_lowest) *p.n_lowest = p.n[o];
    }
    if (x->w->multipliers) pack_multipliers(kernel, x, p.multipliers);
}

size_t eq_dwconv_pack_bytes(const struct eq_kernel *kernel, size_t taps, size_t channels) {
    return blocks(kernel, channels) * kernel->nr * ((taps + kernel->kr - 1) / kernel->kr * kernel->kr) * sizeof(int16_t);
}

void eq_dwconv_pack(const struct eq_kernel *kernel, size_t taps, size_t channels, const struct eq_weights *w, int16_t *packed) {
    for (size_t block = 0; block < channels; block += kernel->nr)
        for (size_t t = 0; t < taps; t += kernel->kr)
            for (size_t c = block; c < block + kernel->nr; c++)
                for (size_t at = t; at < t + kernel->kr; at++) {
                    int8_t v = 0;
                    const bool real = c < channels && at < taps;
                    if (real) eq_weights_read(w, at * channels + c, 1, 1, &v);
                    *packed++ = real ? (int16_t)((v - w->zero) * w->times) : 0;
                }
}
