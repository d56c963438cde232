/* Two taps of 8 channels are interleaved and meet their weights in one multiply-add. Sums of 32 bits hold 255 such pairs; then they join
 * sums of 64. */
#include "avx2_wide.h"
#include "eq_round.h"

enum { NR = 8, EXACT = 2 * 255 };

EQ_INLINE __m128i words(const int16_t *x) { return _mm_loadu_si128((const __m128i *)x); }
EQ_INLINE __m128i weights(const int8_t *w) { return _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)w)); }

/* Taps [t, end) of 8 channels; of an odd one that is left the other is 0. */
EQ_INLINE void accumulate(const struct eq_dwconv_s16_s16_s8 *d, const int16_t *x, const int8_t *w, size_t t, size_t end, __m256i sums[2]) {
    __m128i low = _mm_setzero_si128(), high = low;
    for (; t < end; t += 2) {
        const int is_pair = t + 1 < end;
        const __m128i x0 = words(x + d->x_at[t]), w0 = weights(w + d->w_at[t]), x1 = is_pair ? words(x + d->x_at[t + 1]) : x0,
                      w1 = is_pair ? weights(w + d->w_at[t + 1]) : _mm_setzero_si128();
        low = _mm_add_epi32(low, _mm_madd_epi16(_mm_unpacklo_epi16(x0, x1), _mm_unpacklo_epi16(w0, w1)));
        high = _mm_add_epi32(high, _mm_madd_epi16(_mm_unpackhi_epi16(x0, x1), _mm_unpackhi_epi16(w0, w1)));
    }
    sums[0] = _mm256_add_epi64(sums[0], _mm256_cvtepi32_epi64(low));
    sums[1] = _mm256_add_epi64(sums[1], _mm256_cvtepi32_epi64(high));
}

/* Channels c .. c + 7 of all pixels. */
static void eight(const struct eq_dwconv_s16_s16_s8 *d, size_t c) {
    const struct rq16 rq = rq16_load(&d->rq, c, NR);
    const __m256i lo = _mm256_set1_epi64x(d->lo), hi = _mm256_set1_epi64x(d->hi);
    for (size_t i = 0; i < d->pixels; i++) {
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t t = 0; t < d->taps; t += EXACT)
            accumulate(d, d->x + i * d->x_step + c, d->w + c, t, d->taps - t < EXACT ? d->taps : t + EXACT, sums);
        store_wide(&rq, d->y + i * d->channels + c, NR, sums[0], sums[1], lo, hi);
    }
}

EQ_RARE void single(const struct eq_dwconv_s16_s16_s8 *d, size_t c) {
    for (size_t i = 0; i < d->pixels; i++) {
        int64_t sum = d->rq.bias[c];
        for (size_t t = 0; t < d->taps; t++) sum += d->x[d->x_at[t] + i * d->x_step + c] * d->w[d->w_at[t] + c];
        d->y[i * d->channels + c] = eq_clamp_s16(eq_requantize_wide(sum, d->rq.m[c], d->rq.n[c]), d->lo, d->hi);
    }
}

/* The last 8 channels may be some of those before again. */
void eq_dwconv_s16_s16_s8__avx2(const struct eq_dwconv_s16_s16_s8 *d) {
    size_t c = 0;
    for (; c + NR <= d->channels; c += NR) eight(d, c);
    if (c < d->channels && d->channels >= NR) eight(d, d->channels - NR);
    else
        for (; c < d->channels; c++) single(d, c);
}
