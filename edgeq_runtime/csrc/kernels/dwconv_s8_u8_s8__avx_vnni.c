/* Lines are interleaved into a buffer that stays in L1, 32, 16 or 8 channels at a time; from there one or two output rows are summed. */
#include "avx_vnni_strip.h"
#include "dwconv_span.h"

enum { ROOM = 16384 /* bytes of the buffer */ };

/* Pixels at once; 0: the window is too large for the buffer, or weights less w_zero for two bytes. */
static size_t most_pixels(const struct eq_dwconv_s8_u8_s8 *d, size_t vectors) {
    const size_t heights = (d->kh + KR - 1) / KR, columns = ROOM / (heights * vectors * VECTOR), reach = (d->kw - 1) * d->dilation_w;
    if (heights * d->kw * (d->w_zero ? 2 : 1) > MOST_TAPS || d->w_zero == INT8_MIN || columns <= reach) return 0;
    return (columns - reach - 1) / d->stride_w + 1;
}

static uint8_t *pad(int32_t zero, size_t columns, size_t step, uint8_t *buffer) {
    memset(buffer, zero ^ 0x80, columns * step);
    return buffer + columns * step;
}

/* What `pixels` pixels from the first on read in the rows that begin with these lines: of `taps` lines, channels from c on. */
EQ_ONE_COPY void fill(const struct eq_dwconv_s8_u8_s8 *d, const int8_t *const *lines, size_t taps, size_t c, size_t first, size_t pixels,
                      size_t vectors, uint8_t *buffer) {
    const struct span n = span_of(d, first, pixels, c);
    const size_t heights = (d->kh + KR - 1) / KR, one = vectors * VECTOR, step = heights * one;
    buffer = pad(d->x_zero, n.before, step, buffer);
    pad(d->x_zero, n.columns - n.before - n.inside, step, buffer + n.inside * step);
    for (size_t h = 0; h < heights && n.inside > 0; h++) {
        const int8_t *line[KR];
        for (size_t i = 0; i < KR; i++) line[i] = lines[KR * h + i < taps ? (KR * h + i) * d->dilation_h : 0];
        if (vectors == 4) strip_columns(line, n.at, n.inside, d->channels, 4, buffer + h * one, step);
        else if (vectors == 2) strip_columns(line, n.at, n.inside, d->channels, 2, buffer + h * one, step);
        else strip_columns(line, n.at, n.inside, d->channels, 1, buffer + h * one, step);
    }
}

static void run(const struct eq_dwconv_s8_u8_s8 *d, const struct strip *s, const uint8_t *b, size_t pixels, int8_t *y, size_t vectors,
                size_t rows) {
    const size_t step = d->channels, row = d->pixels * step;
    if (vectors == 4 && rows == 2) strip_run(s, b, pixels, y, step, row, 4, 2);
    else if (vectors == 4) strip_run(s, b, pixels, y, step, row, 4, 1);
    else if (vectors == 2 && rows == 2) strip_run(s, b, pixels, y, step, row, 2, 2);
    else if (vectors == 2) strip_run(s, b, pixels, y, step, row, 2, 1);
    else if (rows == 2) strip_run(s, b, pixels, y, step, row, 1, 2);
    else strip_run(s, b, pixels, y, step, row, 1, 1);
}

/* 8 V channels from c on, in every row; 0 where they ask for more than this can do. */
EQ_ONE_COPY int block(const struct eq_dwconv_s8_u8_s8 *d, size_t c, size_t vectors) {
    _Alignas(VECTOR) uint8_t buffer[ROOM];
    struct group groups[MOST_TAPS];
    struct strip s = {.groups = groups};
    const size_t most = most_pixels(d, vectors);
    const int pairs = d->stride_h == 1 && d->dilation_h == 1 && d->kh % KR != 0;
    if (most == 0 || !strip_load(d, c, vectors, &s)) return 0;
    for (size_t row = 0, rows; row < d->rows; row += rows) {
        rows = pairs && d->rows - row > 1 ? 2 : 1;
        for (size_t i = 0, n; i < d->pixels; i += n) {
            n = d->pixels - i < most ? d->pixels - i : most;
            fill(d, d->lines + row * d->stride_h, d->kh + rows - 1, c, i, n, vectors, buffer);
            run(d, &s, buffer, n, d->y + (row * d->pixels + i) * d->channels + c, vectors, rows);
        }
    }
    return 1;
}

EQ_RARE __m128i load_bytes(const int8_t *x, size_t count) {
    if (count == NR) return _mm_loadl_epi64((const __m128i *)x);
    int64_t bytes = 0;
    memcpy(&bytes, x, count);
    return _mm_cvtsi64_si128(bytes);
}

/* Any window, any channel parameters: up to 8 channels of one pixel. */
static void pixel(const struct eq_dwconv_s8_u8_s8 *d, const int8_t *const *lines, size_t i, size_t c, const struct rq8 *rq, int8_t *y) {
    const size_t count = d->channels - c < NR ? d->channels - c : NR;
    const int8_t *w = d->w + c * ((d->kh + KR - 1) / KR * KR) * d->kw;
    int8_t padded[NR], nothing[NR];
    memset(padded, d->x_zero, NR);
    memset(nothing, INT8_MIN, NR);
    __m256i acc = rq->bias, sum = _mm256_setzero_si256();
    for (size_t kx = 0; kx < d->kw; kx++) {
        const size_t at = i * d->stride_w + kx * d->dilation_w - d->pad_left;
        for (size_t ky = 0; ky < d->kh; ky += KR, w += NR * KR) {
            __m128i r[KR];
            for (size_t k = 0; k < KR; k++) {
                const int8_t *x = nothing;
                if (ky + k < d->kh) x = at < d->columns ? lines[(ky + k) * d->dilation_h] + at * d->channels + c : padded;
                r[k] = _mm_xor_si128(_mm_set1_epi8(INT8_MIN), load_bytes(x, count));
            }
            const __m128i a = _mm_unpacklo_epi8(r[0], r[1]), b = _mm_unpacklo_epi8(r[2], r[3]);
            const __m256i v = _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b));
            acc = _mm256_dpbusd_avx_epi32(acc, v, _mm256_loadu_si256((const __m256i *)w));
            sum = _mm256_dpbusd_avx_epi32(sum, v, _mm256_set1_epi8(1));
        }
    }
    const struct clamp8 clamp = clamp8_load(d->y_zero, d->lo, d->hi);
    acc = _mm256_sub_epi32(acc, _mm256_mullo_epi32(sum, _mm256_set1_epi32(d->w_zero)));
    store_bytes(y, clamp8_apply(&clamp, rq8_apply(rq, acc)), count);
}

EQ_RARE void any(const struct eq_dwconv_s8_u8_s8 *d, size_t c, size_t end) {
    for (; c < end; c += NR) {
        const struct rq8 rq = rq8_load(&d->rq, c, NR);
        for (size_t row = 0; row < d->rows; row++)
            for (size_t i = 0; i < d->pixels; i++)
                pixel(d, d->lines + row * d->stride_h, i, c, &rq, d->y + (row * d->pixels + i) * d->channels + c);
    }
}

/* What is left of the last 8 channels is done with some of those before it, or alone. */
void eq_dwconv_s8_u8_s8__avx_vnni(const struct eq_dwconv_s8_u8_s8 *d) {
    const size_t n = d->channels;
    for (size_t c = 0, width; c < n; c += width) {
        const size_t left = n - c, vectors = left >= 4 * NR ? 4 : left >= 2 * NR ? 2 : 1;
        width = vectors * NR;
        if (n < NR || !block(d, left < NR ? n - NR : c, vectors)) any(d, c, left < width ? n : c + width);
    }
}
