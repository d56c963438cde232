#include "selftest.h"

int add_s8(const struct eq_kernel *portable, size_t first, size_t channels, size_t taps) {
    char sizes[80];
    const size_t n = first * channels;
    const int kind = n == 1 ? (int)(next() % 4) : (int)(next() % 3);
    const size_t a_step = kind != 1 && kind != 3, b_step = kind != 2 && kind != 3;
    int8_t *a = tail(activation_end, a_step ? n : 1, 1), *b = tail(weight_end, b_step ? n : 1, 1);
    fill_s8(a, a_step ? n : 1, fill_kind & 1);
    fill_s8(b, b_step ? n : 1, fill_kind & 2);
    const int32_t shift = 1 + (int32_t)((taps + next()) % 30), a_zero = between(-128, 127), b_zero = between(-128, 127);
    const int16_t a_mul = (int16_t)between(-32768, 32767), b_mul = (int16_t)(next() % 4 ? between(-32768, 32767) : -32768);
    struct eq_add_s8_s8_s8 args = {n, a, b, a_step, b_step, output(0, 1), a_mul, b_mul, 0, shift, between(-128, 127), -128, 127};
    args.constant = ((int32_t)1 << (shift - 1)) - a_mul * a_zero - b_mul * b_zero;
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_add_s8_s8_s8, &args);
    args.y = output(1, 1);
    const int in_place = (int)(next() % 3); /* of a, of b, of none */
    if (in_place == 0 && a_step) args.a = memcpy(args.y, a, n);
    if (in_place == 1 && b_step) args.b = memcpy(args.y, b, n);
    RUN(tested, eq_add_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "n=%zu steps=%zu,%zu shift=%d in_place=%d", n, a_step, b_step, (int)shift, in_place);
    return compare(sizes, 1);
}
