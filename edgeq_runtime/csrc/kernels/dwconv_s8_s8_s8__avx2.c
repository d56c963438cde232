/* 8 channels at a time, pixels inside: the weights of a small window stay in registers. Two taps are interleaved byte by byte and widened,
 * so that one multiply-add takes both: exact, |w - w_zero| <= 255. The term of x_zero is the same for every pixel. */
#include "avx2.h"

enum { NR = 8, KR = 2, KEPT = 5 /* pairs of taps in registers: 3x3 */ };

struct block {
    struct rq8 rq; /* its bias without the term of x_zero */
    struct clamp8 clamp;
    const int16_t *w; /* [pairs][8][2] */
    size_t pairs, at, count;
};

EQ_INLINE __m256i weights(const int16_t *w, size_t pair) { return _mm256_loadu_si256((const __m256i *)(w + pair * NR * KR)); }

static struct block block_from(const struct eq_dwconv_s8_s8_s8 *d, size_t at) {
    struct block b;
    b.pairs = (d->taps + 1) / KR;
    b.at = at;
    b.count = d->channels - at < NR ? d->channels - at : NR;
    b.w = (const int16_t *)d->w + at * b.pairs * KR;
    b.rq = rq8_load(&d->rq, at, b.count);
    b.clamp = clamp8_load(d->y_zero, d->lo, d->hi);
    const __m256i zero = _mm256_set1_epi16((int16_t)d->x_zero);
    for (size_t j = 0; j < b.pairs; j++) b.rq.bias = _mm256_sub_epi32(b.rq.bias, _mm256_madd_epi16(zero, weights(b.w, j)));
    return b;
}

EQ_INLINE __m128i load_bytes(const int8_t *x, size_t count) {
    if (count == NR) return _mm_loadl_epi64((const __m128i *)x);
    int64_t bytes = 0;
    memcpy(&bytes, x, count);
    return _mm_cvtsi64_si128(bytes);
}

/* The pair of taps 2 j and 2 j + 1 at an offset; the second of the last may not exist, its weight is 0. */
EQ_INLINE __m256i pair(const int8_t *const *x, size_t taps, size_t j, size_t offset, size_t count) {
    const __m128i first = load_bytes(x[KR * j] + offset, count);
    const __m128i second = KR * j + 1 < taps ? load_bytes(x[KR * j + 1] + offset, count) : _mm_setzero_si128();
    return _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(first, second));
}

EQ_INLINE void any_window(const struct eq_dwconv_s8_s8_s8 *d, const struct block *b, const struct eq_stretch_s8 *s, size_t count) {
    for (size_t i = 0; i < s->pixels; i++) {
        __m256i acc = b->rq.bias;
        for (size_t j = 0; j < b->pairs; j++)
            acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pair(s->x, d->taps, j, i * d->x_step + b->at, count), weights(b->w, j)));
        store_bytes(s->y + i * d->channels + b->at, clamp8_apply(&b->clamp, rq8_apply(&b->rq, acc)), count);
    }
}

/* 3x3: every stretch with the same weights in registers. */
EQ_INLINE void window9(const struct eq_dwconv_s8_s8_s8 *d, const struct block *b) {
    const struct rq8 rq = b->rq;
    const struct clamp8 clamp = b->clamp;
    __m256i w[KEPT];
    for (size_t j = 0; j < KEPT; j++) w[j] = weights(b->w, j);
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++) {
        int8_t *y = s->y + b->at;
        const int8_t *x[2 * KEPT - 1];
        for (size_t t = 0; t < 2 * KEPT - 1; t++) x[t] = s->x[t] + b->at;
        for (size_t i = 0, offset = 0; i < s->pixels; i++, offset += d->x_step, y += d->channels) {
            __m256i acc = rq.bias;
            for (size_t j = 0; j < KEPT; j++) acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pair(x, 2 * KEPT - 1, j, offset, NR), w[j]));
            _mm_storel_epi64((__m128i *)y, clamp8_apply(&clamp, rq8_apply(&rq, acc)));
        }
    }
}

void eq_dwconv_s8_s8_s8__avx2(const struct eq_dwconv_s8_s8_s8 *d) {
    for (size_t at = 0; at < d->channels; at += NR) {
        const struct block b = block_from(d, at);
        if (b.count == NR && d->taps == 2 * KEPT - 1) {
            window9(d, &b);
            continue;
        }
        for (size_t i = 0; i < d->count; i++)
            if (b.count < NR) any_window(d, &b, &d->stretches[i], b.count);
            else any_window(d, &b, &d->stretches[i], NR);
    }
}
