/* Lines are interleaved into a buffer that stays in L1; from there 16 channels of one or two output rows at a time run along the pixels
 * with their constants in registers. Few channels are joined with those of the next pixels to whole vectors. */
#include "avx512_strip.h"
#include "avx512_wide.h"
#include "dwconv_span.h"

enum { ROOM = 4096 /* elements of the buffer */ };

/* How a call is cut, and where pixels and their taps lie in the buffer. */
struct shape {
    size_t join, channels; /* pixels taken as one, and the channels of such a pixel */
    size_t heights, plane; /* groups of four in a column; elements of the buffer for each of them */
    size_t step, tap;      /* elements of the buffer from pixel to pixel, from tap to tap */
    size_t most; /* pixels (not joined) at once; 0: the window is too large for the buffer, or weights less w_zero for two bytes */
    int pairs;   /* whether two output rows can share what is interleaved */
};

static struct shape shape_of(const struct eq_dwconv_s8_u8_s8 *d) {
    const size_t c = d->channels, low = c & (0 - c), join = low < NR ? NR / low : 1, reach = (d->kw - 1) * d->dilation_w;
    struct shape s = {.join = 1, .channels = c, .heights = (d->kh + KR - 1) / KR};
    s.pairs = d->stride_h == 1 && d->dilation_h == 1 && d->kh < KR * s.heights;
    s.plane = ROOM / s.heights / STEP * STEP;
    if (join > 1 && join * c <= STEP && d->stride_w == 1) {
        s.join = join;
        s.step = s.channels = join * c;
        s.tap = d->dilation_w * c;
        s.most = s.plane > reach * c + 2 * STEP ? (s.plane - reach * c - STEP) / s.step * join : 0;
    } else {
        s.step = STEP * d->stride_w;
        s.tap = STEP * d->dilation_w;
        s.most = s.plane / STEP > reach ? (s.plane / STEP - reach - 1) / d->stride_w + 1 : 0;
    }
    if (s.heights * d->kw * (d->w_zero ? 2 : 1) > MOST_TAPS || d->w_zero == INT8_MIN) s.most = 0;
    return s;
}

/* Interleaves what `pixels` pixels from the first on read in the rows that begin with these lines: of `taps` lines, and of each column
 * `width` channels from c on. */
static void fill(const struct eq_dwconv_s8_u8_s8 *d, const struct shape *s, const int8_t *const *lines, size_t taps, size_t c, size_t width,
                 size_t first, size_t pixels, uint8_t *buffer) {
    const struct span n = span_of(d, first, pixels, c);
    const size_t each = s->join > 1 ? d->channels : STEP;
    for (size_t h = 0; h < s->heights; h++, buffer += KR * s->plane) {
        const int8_t *line[KR];
        for (size_t i = 0; i < KR; i++) line[i] = lines[KR * h + i < taps ? (KR * h + i) * d->dilation_h : 0];
        columns_pad(d->x_zero, n.before * each, buffer);
        if (n.inside && s->join > 1) columns_fill(line, n.at, n.inside * each, buffer + KR * n.before * each);
        else if (n.inside) columns_fill_apart(line, n.at, n.inside, d->channels, width, buffer + KR * n.before * each);
        columns_pad(d->x_zero, (n.columns - n.before - n.inside) * each, buffer + KR * (n.before + n.inside) * each);
    }
}

/* A stretch of pixels of one or two rows, interleaved before. */
static void stretch(const struct eq_dwconv_s8_u8_s8 *d, const struct shape *s, const struct strip *strips, size_t width, size_t pixels,
                    const uint8_t *buffer, int8_t *y, int rows) {
    const size_t whole = (pixels + s->join - 1) / s->join, over = (whole * s->join - pixels) * d->channels;
    for (size_t at = 0; at < width; at += NR) {
        const struct strip_out out = {y + at, s->channels, d->pixels * d->channels, first16(width - at),
                                      first16(width - at > over ? width - at - over : 0)};
        strip_run(strips++, buffer + KR * at, whole, &out, rows);
    }
}

/* Brings the strips of a block into place; 0 where their parameters do not allow it. */
static int load_strips(const struct eq_dwconv_s8_u8_s8 *d, const struct shape *s, size_t c, size_t width, struct strip *strips) {
    int short_way = 1;
    for (size_t v = 0; v < (width + NR - 1) / NR; v++) {
        struct strip *strip = strips + v;
        strip_load(d, c + NR * v, s->join > 1, strip);
        short_way &= strip->rq.short_way;
        strip->step = KR * s->step;
        for (size_t t = 0, groups = s->heights * d->kw; t < (size_t)strip->taps; t++)
            strip->at[t] = KR * (t % groups / s->heights * s->tap + t % s->heights * s->plane);
    }
    return short_way;
}

/* 64 channels (or all of the joined pixels) from c on, in every row; 0 where their parameters do not allow it. */
static int block(const struct eq_dwconv_s8_u8_s8 *d, const struct shape *s, size_t c) {
    _Alignas(64) uint8_t buffer[KR * (ROOM + STEP)];
    const size_t width = s->channels - c < STEP ? s->channels - c : STEP;
    struct strip strips[STEP / NR];
    if (!load_strips(d, s, c, width, strips)) return 0;
    for (size_t row = 0, rows; row < d->rows; row += rows) {
        rows = s->pairs && d->rows - row > 1 ? 2 : 1;
        for (size_t i = 0, n; i < d->pixels; i += n) {
            n = d->pixels - i < s->most ? d->pixels - i : s->most;
            fill(d, s, d->lines + row * d->stride_h, d->kh + rows - 1, c, width, i, n, buffer);
            stretch(d, s, strips, width, n, buffer, d->y + (row * d->pixels + i) * d->channels + c, (int)rows);
        }
    }
    return 1;
}

/* Any window, any channel parameters: 16 channels of one pixel. */
static void pixel(const struct eq_dwconv_s8_u8_s8 *d, const int8_t *const *lines, size_t i, size_t c, const struct rq16 *rq, int8_t *y) {
    const __mmask16 on = first16(d->channels - c);
    const int8_t *w = d->w + c * ((d->kh + KR - 1) / KR * KR) * d->kw;
    const __m128i flip = _mm_set1_epi8(INT8_MIN), padded = _mm_set1_epi8((char)(d->x_zero ^ INT8_MIN));
    __m512i acc = rq->bias, sum = _mm512_setzero_si512();
    for (size_t kx = 0; kx < d->kw; kx++) {
        const size_t at = i * d->stride_w + kx * d->dilation_w - d->pad_left;
        for (size_t ky = 0; ky < d->kh; ky += KR, w += NR * KR) {
            __m128i r[KR];
            for (size_t k = 0; k < KR; k++) {
                if (ky + k >= d->kh) r[k] = _mm_setzero_si128();
                else if (at >= d->columns) r[k] = padded;
                else r[k] = _mm_xor_si128(flip, _mm_maskz_loadu_epi8(on, lines[(ky + k) * d->dilation_h] + at * d->channels + c));
            }
            const __m512i v = column16(r);
            acc = _mm512_dpbusd_epi32(acc, v, _mm512_loadu_si512(w));
            sum = _mm512_dpbusd_epi32(sum, v, _mm512_set1_epi8(1));
        }
    }
    acc = _mm512_sub_epi32(acc, _mm512_mullo_epi32(sum, _mm512_set1_epi32(d->w_zero)));
    _mm_mask_storeu_epi8(y, on, rq16_bytes(rq, rq16_apply_any(rq, acc)));
}

static void any(const struct eq_dwconv_s8_u8_s8 *d, size_t first, size_t end) {
    for (size_t c = first; c < end; c += NR) {
        const struct rq16 rq = rq16_from(_mm512_loadu_si512(d->rq.bias + c), _mm512_loadu_si512(d->rq.m + c),
                                         _mm_loadu_si128((const __m128i *)(d->rq.n + c)), d->y_zero, d->lo, d->hi);
        for (size_t row = 0; row < d->rows; row++)
            for (size_t i = 0; i < d->pixels; i++)
                pixel(d, d->lines + row * d->stride_h, i, c, &rq, d->y + (row * d->pixels + i) * d->channels + c);
    }
}

void eq_dwconv_s8_u8_s8__avx512_vnni(const struct eq_dwconv_s8_u8_s8 *d) {
    const struct shape s = shape_of(d);
    for (size_t c = 0; c < d->channels; c += STEP) {
        const size_t end = d->channels - c < STEP ? d->channels : c + STEP;
        if (s.most == 0 || !(end - c == STEP && wide_fits(d, s.pairs) ? wide_block(d, s.pairs, c) : block(d, &s, c))) any(d, c, end);
    }
}
