"""The edge of a model: layouts and types of the application, exactly as SPEC.md 1.1 and 3.3 say."""

from __future__ import annotations

import ctypes
from itertools import permutations

import numpy as np
import pytest

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Array, Edge, Graph, Node, Tensor
from edgeq_runtime import native
from tests.runtime.models import quant

KINDS = {"f32": np.float32, "s32": np.int32, "s16": np.int16, "s8": np.int8, "u8": np.uint8}


def identity(
    shape: tuple[int, ...], permutation: tuple[int, ...], outside: str, inside: str, scale: float = 0.0, zero: int = 0
) -> native.Model:
    """A model whose output is its input's bytes: what comes out has passed both edges. shape: of the source."""
    inner = tuple(shape[p] for p in permutation)
    q = quant(scale, zero) if scale else None
    tensors = {"x": Tensor("x", inner, inside, None, q), "y": Tensor("y", inner, inside, None, q)}
    edges = [Edge(name, name, shape, permutation, outside) for name in "xy"]
    graph = Graph("identity", tensors, [Node("reshape", "same", ("x",), ("y",))], [edges[0]], [edges[1]])
    return native.Model(to_bytes(Bundle("identity", [Variant("v", graph)], alignment=64), keep_all=True))


def inside(model: native.Model, dtype: str) -> Array:
    edge = model.inputs[0]
    tensor = model.tensors()[edge.tensor]
    return np.frombuffer(bytes(model.tensor_bytes(edge.tensor)), KINDS[dtype]).reshape(tensor.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4, 5, 6])
def test_any_permutation_of_any_rank_goes_in_and_out(rank: int, kind: str) -> None:
    rng = np.random.default_rng(rank)
    orders = list(permutations(range(rank)))
    for order in orders[:: max(1, len(orders) // 40)]:
        shape = tuple(int(d) for d in rng.integers(1, 5, rank))
        x = np.asarray(rng.integers(0, 100, shape), KINDS[kind])
        model = identity(shape, order, kind, kind)
        assert np.array_equal(model.run(x), x)
        assert np.array_equal(inside(model, kind), x.transpose(order))


def expected(x: Array, scale: float, zero: int) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        q = np.rint(x / np.float32(scale)) + np.float32(zero)
    return np.where(np.isnan(x), zero, np.clip(q, -128, 127)).astype(np.int8)


@pytest.mark.parametrize(("scale", "zero"), [(1.0, 0), (0.5, -128), (0.5, 127), (0.007843138, 3), (3e37, 5), (1.2e-38, -7)])
def test_float32_is_quantized_half_to_even_and_saturates(scale: float, zero: int) -> None:
    s = np.float32(scale)
    finite = np.float32(3.4028235e38)
    with np.errstate(over="ignore", invalid="ignore"):
        halves = (np.arange(-260, 260, dtype=np.float32) + np.float32(0.5)) * s
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, finite, -finite, 2**31, -(2**31)], np.float32)
    x = np.concatenate([halves, np.nextafter(halves, np.float32(0)), special])
    x = x[~np.isinf(x) | (np.arange(len(x)) >= len(x) - len(special))]
    model = identity(x.shape, (0,), "f32", "s8", scale, zero)
    y = model.run(x)
    q = inside(model, "s8")
    assert np.array_equal(q, expected(x, scale, zero))
    with np.errstate(over="ignore"):
        assert np.array_equal(y, (q.astype(np.int32) - zero).astype(np.float32) * s)


def test_float32_becomes_int16_half_to_even_and_saturates() -> None:
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4028235e38, -3.4028235e38], np.float32)
    for scale in (1.0, 0.5, 3.0517578e-05, 3e33, 1.2e-38):
        s = np.float32(scale)
        with np.errstate(over="ignore"):
            halves = (np.arange(-32780, 32780, dtype=np.float32) + np.float32(0.5)) * s
        x = np.concatenate([halves[np.isfinite(halves)], special])
        model = identity(x.shape, (0,), "f32", "s16", scale)
        y, q = model.run(x), inside(model, "s16")
        with np.errstate(over="ignore", invalid="ignore"):
            steps = np.rint(x / s)
        assert np.array_equal(q, np.where(np.isnan(x), 0, np.clip(steps, -32768, 32767)).astype(np.int16))
        assert np.array_equal(y, q.astype(np.float32) * s)


def test_already_quantized_int16_passes_as_it_is_in_the_layout_of_the_source() -> None:
    model = identity((1, 3, 4, 5), (0, 2, 3, 1), "f32", "s16", 0.1)
    q = np.random.default_rng(1).integers(-32768, 32768, (1, 3, 4, 5)).astype(np.int16)
    y = model.run(q)
    assert np.array_equal(inside(model, "s16"), q.transpose(0, 2, 3, 1))
    assert np.array_equal(y, q.astype(np.float32) * np.float32(0.1))
    with pytest.raises(native.Error, match=r"is int8 .*, expected float32 or int16"):
        model.run(np.zeros((1, 3, 4, 5), np.int8))


def test_already_quantized_int8_passes_as_it_is_in_the_layout_of_the_source() -> None:
    model = identity((1, 3, 4, 5), (0, 2, 3, 1), "f32", "s8", 0.1, 7)
    q = np.random.default_rng(1).integers(-128, 128, (1, 3, 4, 5)).astype(np.int8)
    y = model.run(q)
    assert np.array_equal(inside(model, "s8"), q.transpose(0, 2, 3, 1))
    assert np.array_equal(y, (q.astype(np.int32) - 7).astype(np.float32) * np.float32(0.1))


def test_uint8_is_shifted_by_128() -> None:
    model = identity((256,), (0,), "u8", "s8", 0.1, -3)
    u = np.arange(256, dtype=np.uint8)
    assert np.array_equal(model.run(u), u)
    assert np.array_equal(inside(model, "s8"), np.arange(-128, 128).astype(np.int8))


@pytest.mark.parametrize(("kind", "shift"), [("u8", 128), ("s8", 0)])
def test_integers_of_a_float_variant_are_dequantized(kind: str, shift: int) -> None:
    model = identity((256,), (0,), kind, "f32", 0.25, -3)
    q = (np.arange(256) - (0 if shift else 128)).astype(KINDS[kind])
    assert np.array_equal(model.run(q), q)
    assert np.array_equal(inside(model, "f32"), (q.astype(np.int32) - shift + 3).astype(np.float32) * np.float32(0.25))


@pytest.mark.parametrize(
    ("outside", "within", "scale"),
    [
        ("f32", "s8", 0.0),
        ("s32", "s8", 0.5),
        ("u8", "f32", 0.0),
        ("f32", "s32", 0.5),
        ("f32", "s16", 0.0),
        ("s8", "s16", 0.5),
        ("u8", "s16", 0.5),
        ("s16", "s8", 0.5),
        ("s16", "f32", 0.5),
    ],
)
def test_types_that_do_not_go_together_are_refused_at_open(outside: str, within: str, scale: float) -> None:
    with pytest.raises(native.Error) as caught:
        identity((2,), (0,), outside, within, scale)
    assert caught.value.status == -5


def test_int16_with_a_zero_point_is_refused_at_open() -> None:
    with pytest.raises(native.Error) as caught:
        identity((2,), (0,), "f32", "s16", 0.5, 3)
    assert caught.value.status == -5


def test_a_wrong_input_is_an_error_with_found_and_expected() -> None:
    model = identity((2, 3), (0, 1), "f32", "s8", 0.5)
    for bad in (np.zeros((3, 2), np.float32), np.zeros((2, 3), np.float64), np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.int32)):
        with pytest.raises(native.Error, match=r"is \w+ \(., .\), expected float32 or int8 \(2, 3\)"):
            model.run(bad)
    with pytest.raises(native.Error, match="2 inputs given, the model takes 1"):
        model.run([np.zeros((2, 3), np.float32)] * 2)
    with pytest.raises(native.Error, match=r"23 bytes, expected .* 24 bytes"):
        model.run(bytes(23))


def test_what_is_no_array_is_an_error_that_says_to_give_one() -> None:
    model = identity((2, 3), (0, 1), "f32", "s8", 0.5)
    with pytest.raises(native.Error, match=r"complex64 .2, 3., expected float32 or int8"):
        model.run(np.zeros((2, 3), np.complex64))
    for rows in (
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]],
        [None],
        "x",
        {},
        np.zeros((2, 3), "datetime64[s]"),
    ):
        with pytest.raises(native.Error, match=r"give an array|not an array|cannot be read as bytes|expected float32"):
            model.run(rows)


def test_a_closed_model_says_so_and_its_other_handles_stay() -> None:
    x = np.zeros((2, 3), np.float32)
    with identity((2, 3), (0, 1), "f32", "s8", 0.5) as model:
        other = model.share()
        assert np.array_equal(model.run(x), x)
    model.close()
    calls = (
        lambda: model.run(x),
        model.share,
        model.ops,
        model.tensors,
        model.selftest,
        lambda: model.time_ops(1),
        lambda: model.tensor_bytes(0),
    )
    for call in calls:
        with pytest.raises(native.Error, match="the model is closed"):
            call()
    assert np.array_equal(other.run(x), x)


def test_buffers_without_numpy_are_taken() -> None:
    from array import array

    model = identity((6,), (0,), "f32", "f32")
    values = array("f", [1, 2, 3, 4, 5, 6])
    for given in (values, memoryview(values), bytes(values), bytearray(values)):
        assert list(model.run(given)) == [1, 2, 3, 4, 5, 6]


def test_a_flat_buffer_is_taken_for_any_shape_where_size_and_type_are_right() -> None:
    from array import array

    model = identity((2, 3), (1, 0), "f32", "s8", 1.0)
    wanted = [[1, 2, 3], [4, 5, 6]]
    for given in (array("f", range(1, 7)), array("b", range(1, 7)), np.arange(1, 7, dtype=np.float32)):
        assert model.run(given).tolist() == wanted
    every_second = memoryview(array("f", [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]))[::2]
    assert model.run(every_second).tolist() == wanted
    for bad in (array("f", range(5)), array("d", range(6)), array("i", range(6)), np.zeros((6, 1), np.float32)):
        with pytest.raises(native.Error, match="expected float32 or int8"):
            model.run(bad)


def test_slices_that_are_not_contiguous_are_taken_as_they_read() -> None:
    model = identity((3, 2), (0, 1), "f32", "f32")
    x = np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2]
    assert np.array_equal(model.run(x), x)


def test_an_edge_that_needs_no_conversion_has_a_place_in_the_arena() -> None:
    lib = native.library()
    x = np.arange(24, dtype=np.int8).reshape(1, 2, 3, 4)
    same, moved = (identity(x.shape, order, "s8", "s8", 0.5, 3) for order in ((0, 1, 2, 3), (0, 2, 3, 1)))
    for model, placed in ((same, True), (moved, False)):
        arena = model._arena.address
        assert bool(lib.eq_input_place(model._handle, arena, 0)) is bool(lib.eq_output_place(model._handle, arena, 0)) is placed
        assert lib.eq_input_place(model._handle, arena, 1) is lib.eq_output_place(model._handle, None, 0) is None
    ctypes.memmove(lib.eq_input_place(same._handle, same._arena.address, 0), x.tobytes(), x.nbytes)
    assert lib.eq_run(same._handle, same._arena.address, same._arena.size, None) == 0
    assert ctypes.string_at(lib.eq_output_place(same._handle, same._arena.address, 0), x.nbytes) == x.tobytes()
