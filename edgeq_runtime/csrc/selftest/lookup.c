#include "selftest.h"

int lookup_s8(const struct eq_kernel *portable, size_t first, size_t channels, size_t taps) {
    enum { ENTRIES = 256, MOST = 1024 /* all values, in any order */ };
    char sizes[40];
    size_t n = first * channels + taps - 1;
    if (n > MOST) n = MOST;
    int8_t *x = tail(activation_end, n, 1), *table = tail(weight_end, ENTRIES, 1);
    fill_s8(x, n, fill_kind & 1);
    if (fill_kind > 3)
        for (size_t i = 0; i < n; i++) x[i] = (int8_t)((int32_t)((i + skew) % ENTRIES) - 128);
    for (size_t i = 0; i < ENTRIES; i++) table[i] = (int8_t)between(-128, 127);
    struct eq_lookup_s8_s8_s8 args = {n, x, table, output(0, 1)};
    prepare_outputs();
    RUN(portable, eq_lookup_s8_s8_s8, &args);
    args.y = output(1, 1);
    RUN(tested, eq_lookup_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "n=%zu", n);
    return compare(sizes, 1);
}
