"""Files whose operators make no sense get a status; whatever the core accepts it computes as the reference does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from edgeq_runtime import lists, native
from edgeq_runtime.rounding import pack_rq, unpack_rq
from tests.ops.cases import cases_of, hostile, low
from tests.ops.cases.base import Case, rng_of
from tests.ops.compare import difference
from tests.ops.runner import model_bytes, run_core, run_reference

FORMAT, UNSUPPORTED, SHAPE = -5, -6, -7
ONE, INT_MAX = 1 << 23, (1 << 31) - 1  # an entry of a softmax table that stands for 1
BLOBS = ("conv2d_s8", "depthwise_conv2d_s8", "transpose_conv2d_s8", "fully_connected_s8")
WIDE_BLOBS = tuple(name.replace("_s8", "_s16") for name in BLOBS)
PLACES = {"resize_nearest": ((1, 2), 0), "resize_bilinear_s8": ((1, 2), 12), "resize_bilinear_f32": ((1, 3), 0)}


def status_of(op: str, case: Case) -> int:
    """0: the core accepts it."""
    try:
        native.Model(model_bytes(op, case))
    except native.Error as error:
        return int(error.status)
    return 0


def accepted(op: str, cases: Iterable[Case]) -> list[str]:
    return [case.label for case in cases if status_of(op, case) not in (FORMAT, UNSUPPORTED, SHAPE)]


def largest(op: str, count: int = 1) -> list[Case]:
    """Cases with the most elements: no axis of 1 that could stretch."""
    return sorted(cases_of(op), key=lambda c: (min(c.shape) > 1, c.inputs[0].size < 5000, c.inputs[0].size))[-count:]


@pytest.mark.parametrize("op", lists.ops())
def test_attributes_out_of_their_range_are_refused(op: str) -> None:
    case = largest(op)[0]
    if op.startswith("reduce_s"):  # maximum and minimum read neither zero points nor multiplier
        case = replace(case, attrs=case.attrs | {"kind": 0})
    assert accepted(op, hostile.bad_attributes(op, case)) == []


@pytest.mark.parametrize("op", lists.ops())
def test_what_is_accepted_with_other_tensors_equals_the_reference(op: str) -> None:
    """Every mutation is refused, or means what the reference says it means."""
    wrong = []
    for case in [*cases_of(op)[:2], *largest(op, 2)]:
        for changed in hostile.bad_tensors(case):
            if len(changed.constant) == len(changed.inputs):
                continue
            problem = _problem(op, changed)
            if problem:
                wrong.append(f"{case.label}, {changed.label}: {problem}")
    assert not wrong, "\n".join(wrong[:8])


def _problem(op: str, case: Case) -> str | None:
    try:
        got = run_core(model_bytes(op, case), case, 1)
    except native.Error as error:
        return None if error.status in (FORMAT, UNSUPPORTED, SHAPE) else f"status {error.status}: {error}"
    try:
        return difference(run_reference(op, case), got)
    except (ValueError, IndexError, KeyError) as error:
        return f"accepted; the reference says {error}"


@pytest.mark.parametrize("op", [*BLOBS, *WIDE_BLOBS])
def test_channel_parameters_out_of_their_range_are_refused(op: str) -> None:
    assert accepted(op, hostile.bad_blobs(largest(op)[0], 2)) == []


@pytest.mark.parametrize("op", [*WIDE_BLOBS, "mul_s16", "reduce_s16", "requantize_s16"])
def test_a_shift_to_the_left_that_sums_of_64_bits_do_not_have_is_refused(op: str) -> None:
    case = largest(op)[0]
    if op in WIDE_BLOBS:
        bias, m, n = (part.copy() for part in unpack_rq(case.inputs[2]))
        n[0] = -16
        changed = replace(case, inputs=(*case.inputs[:2], pack_rq(bias, m, n)))
    else:
        changed = replace(case, attrs=case.attrs | {"kind": 0, "n": -16} if "kind" in case.attrs else case.attrs | {"n": -16})
    assert accepted(op, [changed]) == []


def test_int16_has_no_zero_point() -> None:
    every = cases_of("requantize_s16")
    for place, dtype in (("x_zero", np.int8), ("y_zero", np.int16)):
        case = next(c for c in every if c.inputs[0].dtype == dtype and (c.dtype == "s8") == (place == "y_zero"))
        other = {"x_zero": "y_zero", "y_zero": "x_zero"}[place]
        assert status_of("requantize_s16", replace(case, attrs=case.attrs | {place: 5})) == 0
        assert accepted("requantize_s16", [replace(case, attrs=case.attrs | {other: 5})]) == []


def test_requantization_between_two_int8_is_that_of_int8() -> None:
    case = next(c for c in cases_of("requantize_s16") if c.inputs[0].dtype == np.int8)
    attrs = case.attrs | {"x_zero": 0, "lo": -128, "hi": 127}
    assert accepted("requantize_s16", [replace(case, attrs=attrs, dtype="s8", label="s8 to s8")]) == []


def test_factors_of_a_sum_that_could_leave_32_bits_are_refused() -> None:
    case = cases_of("add_s16")[0]
    for name in ("a_mul", "b_mul"):
        assert accepted("add_s16", [replace(case, attrs=case.attrs | {name: -(1 << 15)})]) == []


def with_bias(op: str, case: Case, room: int) -> Case:
    """The last channel's bias leaves `room` (less than 2 to the 31st) to the largest sum that its weights allow; room < 0: too large."""
    weights = case.inputs[1][..., -1] if op == "depthwise_conv2d_s8" else case.inputs[1][-1]
    zero = case.attrs["x_zero"]
    most = int(np.abs(weights.astype(np.int64) - case.attrs["w_zero"]).sum()) * max(zero + 128, 127 - zero)
    bias, m, n = (part.copy() for part in unpack_rq(case.inputs[2]))
    bias[-1] = (INT_MAX - most - room) * (1 if len(case.label) % 2 else -1)
    return replace(case, label=f"{case.label} room {room}", inputs=(*case.inputs[:2], pack_rq(bias, m, n)))


@pytest.mark.parametrize("op", BLOBS)
def test_sums_that_could_leave_32_bits_are_refused_and_the_largest_are_exact(op: str) -> None:
    for zero in (-128, -1, 0, 127):
        for case in largest(op, 2):
            case = replace(case, attrs=case.attrs | {"x_zero": zero})
            assert accepted(op, [with_bias(op, case, -1)]) == []
            assert _problem(op, with_bias(op, case, 0)) is None and status_of(op, with_bias(op, case, 0)) == 0


@pytest.mark.parametrize(("a_zero", "b_zero", "k"), [(-128, -128, 33025), (127, -128, 33025), (0, -128, 65793), (-1, 0, 131071)])
def test_a_matrix_product_whose_sums_could_leave_32_bits_is_refused(a_zero: int, b_zero: int, k: int) -> None:
    """k is the most that fits these zero points."""

    def case(length: int) -> Case:
        attrs = {"a_zero": a_zero, "b_zero": b_zero, "y_zero": 0, "m": 1 << 30, "n": 24, "lo": -128, "hi": 127}
        a, b = (np.full(length, -128 if zero > -1 else 127, np.int8) for zero in (a_zero, b_zero))
        return Case(f"k={length}", attrs, (a.reshape(1, -1), b.reshape(-1, 1)), (1, 1))

    assert _problem("matmul_s8", case(k)) is None and status_of("matmul_s8", case(k)) == 0
    assert accepted("matmul_s8", [case(k + 1)]) == []


def test_pooling_parameters_out_of_their_range_are_refused() -> None:
    case = next(c for c in cases_of("avg_pool2d_s8") if len(c.inputs) == 2)

    def changed() -> Iterator[Case]:
        area = case.inputs[1].size // 5
        for place, bad in ((3, 0x80), (4 * area - 1, 0x10), (5 * area - 1, 32), (4 * area, 0xE9)):
            table = case.inputs[1].copy()
            table[place] = bad
            yield replace(case, label=f"byte {place} = {bad}", inputs=(case.inputs[0], table))
        yield replace(case, label="short", inputs=(case.inputs[0], case.inputs[1][:-1].copy()))

    assert accepted("avg_pool2d_s8", changed()) == []


@pytest.mark.parametrize("op", PLACES)
def test_places_outside_the_image_are_refused(op: str) -> None:
    indices, shift = PLACES[op]
    case = largest(op)[0]
    assert accepted(op, hostile.bad_places(case, indices, case.inputs[0].shape[1:3], shift)) == []


@pytest.mark.parametrize(("place", "value"), [(1, 1), (128, 1), (255, 1), (255, INT_MAX), (7, -1)])
def test_a_softmax_table_that_rises_above_its_first_entry_is_refused(place: int, value: int) -> None:
    """Entries are u32, so -1 is the largest."""
    case = cases_of("softmax_s8")[0]
    table = case.inputs[1].copy()
    table[place] = value if value in (-1, INT_MAX) else ONE + value
    assert accepted("softmax_s8", [replace(case, inputs=(case.inputs[0], table), label="above")]) == []
    table[place] = ONE
    assert status_of("softmax_s8", replace(case, inputs=(case.inputs[0], table))) == 0


@pytest.mark.parametrize("first", [0, ONE - 1, ONE + 1])
def test_a_softmax_table_that_does_not_begin_with_one_is_refused(first: int) -> None:
    case = cases_of("softmax_s8")[0]
    table = np.concatenate([np.int32([first]), case.inputs[1][1:]]).astype(np.int32)
    assert accepted("softmax_s8", [replace(case, inputs=(case.inputs[0], table), label="first")]) == []


def test_a_softmax_table_that_could_divide_by_zero_is_refused() -> None:
    case = cases_of("softmax_s8")[0]
    assert accepted("softmax_s8", [replace(case, inputs=(case.inputs[0], np.zeros(256, np.int32)), label="all zero")]) == []


def test_slices_that_leave_the_input_are_refused() -> None:
    x = np.arange(12, dtype=np.int8).reshape(3, 4)

    def case(begin: list[int], step: list[int], shape: tuple[int, ...]) -> Case:
        return Case(f"{begin} {step} {shape}", {"begin": [*begin, 0, 0, 0, 0], "step": [*step, 1, 1, 1, 1]}, (x,), shape)

    assert (
        accepted(
            "slice",
            [case([0, 0], [2, 1], (3, 4)), case([2, 3], [-1, -2], (4, 2)), case([0, 2], [1, 1], (3, 3)), case([3, 0], [1, 1], (1, 4))],
        )
        == []
    )
    assert status_of("slice", case([2, 3], [-1, -3], (3, 2))) == 0


def test_transpose_that_repeats_an_axis_is_refused() -> None:
    x = np.zeros((2, 2, 3), np.int8)
    bad = [[0, 0, 2, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 1, 3, 0, 0, 0]]
    assert accepted("transpose", [Case(str(p), {"perm": p}, (x,), (2, 2, 3)) for p in bad]) == []


def test_reflection_beyond_the_input_is_refused() -> None:
    x = np.zeros((3,), np.int8)
    attrs = {"mode": 1, "value": 0, "before": [3, 0, 0, 0, 0, 0], "after": [0] * 6}
    assert accepted("pad", [Case("reflect 3 of 3", attrs, (x,), (6,))]) == []


@pytest.mark.parametrize("isa", [name for name in native.isas() if name in ("portable", "avx2", "neon", "neon_dotprod")])
def test_a_window_whose_lines_have_no_size_is_refused_before_it_is_planned(isa: str) -> None:
    """Its line and its lines are 2^24 columns of 2^16 channels, a product that wraps to 0 in 64 bits."""
    depth, far = 1 << 16, 1 << 24
    attrs = {"stride_h": far, "stride_w": far - 1, "dilation_h": far - 1, "dilation_w": 1, "pad_top": far, "pad_left": far}
    attrs |= {"pad_bottom": 0, "pad_right": 0, "x_zero": 0, "w_zero": 0, "y_zero": 0, "lo": -128, "hi": 127}
    blob = pack_rq(np.zeros(depth, np.int64), np.full(depth, 1 << 30), np.full(depth, 10))
    inputs = (np.zeros((1, 1, 1, depth), np.int8), np.zeros((2, 1, depth), np.int8), blob)
    case = Case("wraps", attrs, inputs, (1, 1, 2, depth), "s8", (1, 2))
    with pytest.raises(native.Error) as caught:
        native.Model(model_bytes("depthwise_conv2d_s8", case), isas=1 << native.isas()[isa])
    assert caught.value.status == UNSUPPORTED


@pytest.mark.parametrize("op", ["conv2d_s8", "fully_connected_s8"])
@pytest.mark.parametrize("multiplier", [0, 128, 255])
def test_a_multiplier_of_a_group_that_is_none_is_refused(op: str, multiplier: int) -> None:
    case = next(c for c in low.cases(op, "s4/groups", rng_of(op)) if c.inputs[3].size > 1)
    assert status_of(op, case) == 0
    times = case.inputs[3].copy()
    times.ravel()[-1] = multiplier
    assert status_of(op, replace(case, inputs=(*case.inputs[:3], times))) == FORMAT


@pytest.mark.parametrize("op", ["conv2d_s8", "depthwise_conv2d_s8", "fully_connected_s8"])
def test_a_high_plane_whose_weights_int8_cannot_hold_is_refused(op: str) -> None:
    case = next(iter(low.cases(op, "nested", rng_of(op))))
    assert status_of(op, case) == 0
    high = case.inputs[1].copy()
    high.ravel()[-1] = -8
    assert status_of(op, replace(case, inputs=(case.inputs[0], high, *case.inputs[2:]))) == FORMAT
