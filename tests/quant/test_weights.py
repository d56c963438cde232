from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array, Graph, Node, Quant, Tensor
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.weights import BIAS_LIMIT, quantize_weights
from edgeq_runtime.rounding import unpack_rq

X, Y = Affine(0.05, -20), Affine(0.1, 3)


def quantized(weight: Tensor, bias: Tensor, axis: int = 0) -> tuple[Tensor, Array, Array, Array, int]:
    node = Node("fully_connected_f32", "layer", ("x", weight.name, bias.name), ("y",))
    tensors = {t.name: t for t in (Tensor("x", (1,), "f32"), Tensor("y", (1,), "f32"), weight, bias)}
    build = Build(Graph("g", tensors, [node], [], []), {"x": X, "y": Y})
    made = quantize_weights(build, node, weight, bias, axis)
    q, rq = (build.graph.tensors[name] for name in made.names)
    return q, *unpack_rq(rq.data), made.zero


def real(name: str, data: Array) -> Tensor:
    return Tensor(name, data.shape, "f32", data.astype(np.float32))


@pytest.mark.parametrize("axis", [0, 2])
def test_weights_are_symmetric_per_output_channel_with_the_largest_at_127(axis: int) -> None:
    w = np.random.default_rng(0).normal(size=(3, 4, 5)) * np.array([1, 10, 100, 1000, 1e4])
    weight, _, m, n, zero = quantized(real("w", w), real("b", np.zeros(w.shape[axis])), axis)
    q, scales = np.moveaxis(weight.data, axis, 0), weight.quant.scale
    assert zero == 0 and q.min() >= -127
    assert (np.abs(q).reshape(len(q), -1).max(axis=1) == 127).all()
    assert np.allclose(scales, np.abs(np.moveaxis(w, axis, 0)).reshape(len(q), -1).max(axis=1) / 127, rtol=1e-6)
    assert np.allclose(m * 2.0 ** -(31.0 + n), X.scale * scales / Y.scale, rtol=1e-8)


def test_a_bias_is_rounded_at_the_product_of_the_scales() -> None:
    weight, bias, *_ = quantized(real("w", np.array([[1.0], [2.0]])), real("b", np.array([3.0, -4.0])))
    assert bias.tolist() == np.rint(np.array([3.0, -4.0]) / (X.scale * weight.quant.scale)).tolist()


def test_a_channel_whose_bias_would_be_too_large_gets_a_wider_scale() -> None:
    w = np.array([[1.0, 0.5], [1e-9, -1e-9]])
    weight, bias, m, n, _ = quantized(real("w", w), real("b", np.array([1.0, 5.0])))
    assert abs(int(bias[1])) <= BIAS_LIMIT and abs(int(bias[1])) > BIAS_LIMIT // 2
    assert weight.data[0].tolist() == [127, 64] and weight.data[1].tolist() == [0, 0]
    assert float(bias[1]) * float(m[1]) * 2.0 ** -(31.0 + n[1]) == pytest.approx(5.0 / Y.scale, rel=1e-6)


def test_a_channel_without_weights_gives_its_bias() -> None:
    _, bias, m, n, _ = quantized(real("w", np.zeros((1, 4))), real("b", np.array([2.0])))
    assert float(bias[0]) * float(m[0]) * 2.0 ** -(31.0 + n[0]) == pytest.approx(2.0 / Y.scale, rel=1e-4)


def test_an_accumulator_that_could_overflow_is_refused_with_the_numbers() -> None:
    with pytest.raises(UnsupportedError) as error:
        quantized(real("w", np.ones((1, 200_000))), real("b", np.zeros(1)))
    assert "200000" not in error.value.message and str(127 * 200_000) in error.value.message and str(2**31 - 1) in error.value.message


def test_the_largest_accumulator_below_the_limit_is_taken() -> None:
    reach = X.reach
    count = (2**31 - 1) // (127 * reach)
    quantized(real("w", np.ones((1, count))), real("b", np.zeros(1)))
    with pytest.raises(UnsupportedError):
        quantized(real("w", np.ones((1, count + 1))), real("b", np.zeros(1)))


def test_a_factor_that_shifts_the_accumulator_out_of_32_bits_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="left by"):
        quantized(real("w", np.full((1, 60_000), 1e6)), real("b", np.zeros(1)))


def test_integer_weights_of_the_source_are_kept_with_minus_128() -> None:
    q = np.array([[-128, 127], [5, -6]], np.int8)
    source = Tensor("w", q.shape, "s8", q, Quant(np.array([0.01, 0.02]), np.zeros(2, np.int64), 0))
    b = np.array([100, -7], np.int32)
    bias_source = Tensor("b", b.shape, "s32", b, Quant(np.array([0.01, 0.02]) * X.scale, np.zeros(2, np.int64), 0))
    weight, bias, m, n, zero = quantized(source, bias_source)
    assert np.array_equal(weight.data, q) and bias.tolist() == [100, -7] and zero == 0
    assert np.allclose(m * 2.0 ** -(31.0 + n), X.scale * np.array([0.01, 0.02]) / Y.scale, rtol=1e-8)


def test_weights_with_a_zero_point_keep_it() -> None:
    q = np.array([[10, -90]], np.int8)
    source = Tensor("w", q.shape, "s8", q, Quant(np.array([0.01]), np.array([-7], np.int64)))
    weight, *_, zero = quantized(source, real("b", np.zeros(1)))
    assert np.array_equal(weight.data, q) and zero == -7


def test_hybrid_weights_with_a_float_bias_are_kept() -> None:
    q = np.array([[10, -90]], np.int8)
    source = Tensor("w", q.shape, "s8", q, Quant(np.array([0.01]), np.array([0], np.int64)))
    weight, bias, *_ = quantized(source, real("b", np.array([1.0])))
    assert np.array_equal(weight.data, q) and bias[0] == round(1.0 / (X.scale * 0.01))


def test_weights_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="finite"):
        quantized(real("w", np.array([[np.nan]])), real("b", np.zeros(1)))
