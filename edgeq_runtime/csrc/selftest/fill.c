#include "../eq_round.h"
#include "selftest.h"

const struct eq_kernel *tested;
int fill_kind;
size_t skew;
long cases;

static uint32_t rng;
uint32_t next(void) {
    rng ^= rng << 13;
    rng ^= rng >> 17;
    rng ^= rng << 5;
    return rng;
}
void next_start(uint32_t seed) { rng = seed; }
int32_t between(int32_t lo, int32_t hi) { return (int32_t)((uint32_t)lo + next() % ((uint32_t)hi - (uint32_t)lo + 1)); }

uint8_t *activation_end, *weight_end, *packed_end, *params_end, *panel_end;
static _Alignas(8) uint8_t outputs[2][20480];

void fill_start(void) {
    activation_end = guarded();
    weight_end = guarded();
    packed_end = guarded();
    params_end = guarded();
    panel_end = guarded();
}

void *tail(uint8_t *end, size_t count, size_t element) { return end - (count + skew) * element; }

int32_t extreme(int which, int32_t lo, int32_t hi) { return which ? hi : lo; }

static int32_t value(int32_t lo, int32_t hi, int high) {
    return fill_kind == TIES ? between(-2, 2) : fill_kind < 2 ? between(lo, hi) : extreme(high, lo, hi);
}
void fill_s16(int16_t *a, size_t n, int32_t lo, int32_t hi) {
    for (size_t i = 0; i < n; i++) a[i] = (int16_t)value(lo, hi, fill_kind & 1);
}
void fill_s8(int8_t *a, size_t n, int high) {
    for (size_t i = 0; i < n; i++) a[i] = (int8_t)value(-128, 127, high);
}

/* Random magnitudes, then denormals, zeros of both signs, the largest numbers, infinities. */
void fill_f32(float *a, size_t n) {
    static const uint32_t exponents[FILLS][2] = {{120, 127}, {90, 160}, {0, 1}, {0, 0}, {250, 254}, {253, 255}, {127, 130}};
    for (size_t i = 0; i < n; i++) {
        const uint32_t exponent = (uint32_t)between((int32_t)exponents[fill_kind][0], (int32_t)exponents[fill_kind][1]);
        const uint32_t mantissa = exponent == 255 || (fill_kind == 3 && next() % 2) ? 0 : next() & 0x7fffff;
        const uint32_t bits = (next() & 0x80000000u) | exponent << 23 | mantissa;
        memcpy(a + i, &bits, sizeof bits);
    }
}

int32_t weight_zero(void) {
    if (next() % 3) return 0;
    return fill_kind == TIES ? between(-1, 1) : between(0, 1) ? between(-128, 127) : extreme(!(fill_kind & 2), -128, 127);
}

struct eq_rq fill_rq(size_t channels) {
    int8_t *n = tail(params_end, channels, 1);
    int32_t *bias = (void *)(params_end - ROOM / 2 - (channels + skew) * 4), *m = bias + channels;
    const int usual = next() % 2; /* every n is one that kernels have a short way for */
    for (size_t o = 0; o < channels; o++) {
        if (fill_kind == TIES) { /* acc 2^-(n+1); n = 0 for some skews: the channels that are shifted left */
            bias[o] = between(-20, 20);
            m[o] = 1 << 30;
            n[o] = (int8_t)between(usual ? 2 : skew & 1 ? 0 : 1, 3);
            continue;
        }
        bias[o] = fill_kind == 1 ? between(-(1 << 30), (1 << 30) - 1) : between(-100000, 100000);
        m[o] = next() % 16 ? between(1 << 30, INT32_MAX) : next() % 2 ? 0 : INT32_MAX;
        n[o] = (int8_t)(usual || next() % 4 ? between(2, 20) : between(EQ_RQ_N_MIN, EQ_RQ_N_MAX));
    }
    const struct eq_rq rq = {bias, m, n};
    return rq;
}

const void *fill_rows(const void *a, const uint32_t *rows, const int32_t *parts_at, size_t parts, size_t k, size_t m, int joined) {
    const struct eq_panel panel = {tested, a, rows, parts_at, parts, k, joined};
    if (!tested->grain) return a;
    const size_t bytes = eq_panel_bytes(&panel, m), line = joined && parts > 1 ? parts * k : 0; /* the line is no part of what is read */
    uint8_t *to = panel_end - (bytes - line);
    uint8_t *made = to - bytes;
    memset(made, 0x5a, bytes);
    eq_panel_fill(&panel, 0, m, made);
    return memcpy(to, made, bytes - line);
}

void prepare_outputs(void) {
    cases++;
    for (size_t i = 0; i < sizeof outputs[0]; i++) outputs[0][i] = outputs[1][i] = (uint8_t)(0xa5 ^ i);
}

/* Eight bytes at a time: emulators run the C library's own loop byte by byte. */
static int all_equal(void) {
    uint64_t a, b, different = 0;
    for (size_t i = 0; i < sizeof outputs[0]; i += sizeof a) {
        memcpy(&a, outputs[0] + i, sizeof a);
        memcpy(&b, outputs[1] + i, sizeof b);
        different |= a ^ b;
    }
    return different == 0;
}

static int both_nan(size_t at) {
    float a, b;
    memcpy(&a, outputs[0] + at, sizeof a);
    memcpy(&b, outputs[1] + at, sizeof b);
    return a != a && b != b;
}

static long shown(const uint8_t *at, size_t element) {
    uint32_t bits = 0;
    if (element == 1) return (int8_t)*at;
    memcpy(&bits, at, element);
    return element == 2 ? (int16_t)bits : (long)bits;
}

int compare(const char *sizes, size_t element) {
    if (all_equal()) return 0;
    for (size_t i = 0; i < sizeof outputs[0]; i += element) {
        if (!memcmp(outputs[0] + i, outputs[1] + i, element) || (element == 4 && both_nan(i))) continue;
        printf("FAIL %s__%s fill=%d skew=%zu %s byte=%zu want=%ld got=%ld\n", eq_kernel_name(tested), eq_isa_name(tested->isa), fill_kind,
               skew, sizes, i, shown(outputs[0] + i, element), shown(outputs[1] + i, element));
        return 1;
    }
    return 0;
}

void *output(int which, size_t element) { return outputs[which] + 64 + skew * element; }

void fill_clamp(int32_t *lo, int32_t *hi) {
    if (next() % 4) return;
    *lo = between(-128, 0);
    *hi = between(0, 127);
}
