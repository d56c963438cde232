"""int8 operators of TFLite in small files: our integers against TFLite's reference kernels, never more than one step apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.importers import load
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from tests.importers.tflite_writer import Net, outputs, witness

rng = np.random.default_rng(3)
CASES: dict[str, tuple[Callable[[Net], int], int]] = {}  # and the largest difference allowed


def i32(*values: int) -> np.ndarray:
    return np.asarray(values, np.int32)


def act(n: Net, *shape: int, scale: float = 0.05, zero: int = 6) -> int:
    return n.input(shape, "INT8", scale=scale, zero=zero)


def out(n: Net, *shape: int, scale: float = 0.05, zero: int = 6) -> int:
    return n.tensor(shape, "INT8", scale=scale, zero=zero)


def ints(*shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape, np.int8)


def case(name: str, build: Callable[[Net], int], most: int = 1) -> None:
    CASES[name] = (build, most)


for _code, _scale in (("ADD", 0.09), ("SUB", 0.09), ("MUL", 0.2)):
    for _fused in (0, 3):
        case(
            f"{_code.lower()}_{_fused}",
            lambda n, c=_code, s=_scale, f=_fused: n.op(
                c,
                [act(n, 2, 3, 4, 5), act(n, 4, 5, scale=0.03, zero=-20)],
                [out(n, 2, 3, 4, 5, scale=s, zero=-9)],
                f"{c.capitalize()}Options",
                fusedActivationFunction=f,
            ),
        )
for _code in ("MINIMUM", "MAXIMUM"):
    case(_code.lower(), lambda n, c=_code: n.op(c, [act(n, 3, 4), act(n, 3, 4)], [out(n, 3, 4)], "MaximumMinimumOptions"), 0)
for _code, _options in (("RELU", ""), ("RELU6", ""), ("LEAKY_RELU", "LeakyReluOptions"), ("HARD_SWISH", "")):
    case(
        _code.lower(),
        lambda n, c=_code, o=_options: n.op(c, [act(n, 2, 50)], [out(n, 2, 50, scale=0.03, zero=-12)], o, **({"alpha": 0.2} if o else {})),
    )
case("logistic", lambda n: n.op("LOGISTIC", [act(n, 2, 80)], [out(n, 2, 80, scale=1 / 256, zero=-128)]))
case("tanh", lambda n: n.op("TANH", [act(n, 2, 80)], [out(n, 2, 80, scale=1 / 128, zero=0)]))
case("softmax", lambda n: n.op("SOFTMAX", [act(n, 4, 20)], [out(n, 4, 20, scale=1 / 256, zero=-128)], "SoftmaxOptions", beta=1.0))
case(
    "prelu",
    lambda n: n.op("PRELU", [act(n, 2, 3, 3, 4), n.const(ints(1, 1, 4), scale=0.01)], [out(n, 2, 3, 3, 4, scale=0.06, zero=3)]),
)
for _code in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    for _padding in (0, 1):
        case(
            f"{_code.lower()}_{_padding}",
            lambda n, c=_code, p=_padding: n.op(
                c, [act(n, 1, 7, 8, 3)], [out(n, 1, 4 - p, 4 - p, 3)], "Pool2DOptions",
                padding=p, strideH=2, strideW=2, filterHeight=3, filterWidth=3,
            ),
            int(_code[0] == "A"),
        )  # fmt: skip
for _code, _scale in (("MEAN", 0.03), ("SUM", 0.4), ("REDUCE_MAX", 0.05), ("REDUCE_MIN", 0.05)):
    case(
        _code.lower(),
        lambda n, c=_code, s=_scale: n.op(
            c, [act(n, 2, 5, 6, 4), n.const(i32(1, 2))], [out(n, 2, 4, scale=s, zero=6)], "ReducerOptions", keepDims=False
        ),
    )
case(
    "concatenation_of_one_scale",
    lambda n: n.op("CONCATENATION", [act(n, 2, 3), act(n, 2, 4)], [out(n, 2, 7)], "ConcatenationOptions", axis=1),
    0,
)
case("pad", lambda n: n.op("PAD", [act(n, 2, 3, 4), n.const(i32(0, 0, 1, 2, 3, 0).reshape(3, 2))], [out(n, 2, 6, 7)], "PadOptions"), 0)
case("transpose", lambda n: n.op("TRANSPOSE", [act(n, 2, 3, 4), n.const(i32(2, 0, 1))], [out(n, 4, 2, 3)], "TransposeOptions"), 0)
case(
    "strided_slice",
    lambda n: n.op(
        "STRIDED_SLICE", [act(n, 6, 5), n.const(i32(4, 0)), n.const(i32(0, 5)), n.const(i32(-2, 3))], [out(n, 2, 2)], "StridedSliceOptions"
    ),
    0,
)
case("quantize_to_another_scale", lambda n: n.op("QUANTIZE", [act(n, 4, 60)], [out(n, 4, 60, scale=0.033, zero=-40)], "QuantizeOptions"))
case(
    "resize_bilinear",
    lambda n: n.op(
        "RESIZE_BILINEAR", [act(n, 1, 5, 6, 3), n.const(i32(9, 11))], [out(n, 1, 9, 11, 3)], "ResizeBilinearOptions", halfPixelCenters=True
    ),
)
case(
    "resize_nearest",
    lambda n: n.op(
        "RESIZE_NEAREST_NEIGHBOR", [act(n, 1, 5, 6, 3), n.const(i32(9, 11))], [out(n, 1, 9, 11, 3)], "ResizeNearestNeighborOptions"
    ),
    0,
)
case(
    "batch_matmul",
    lambda n: n.op(
        "BATCH_MATMUL", [act(n, 2, 3, 8), act(n, 2, 8, 5, scale=0.02, zero=-3)], [out(n, 2, 3, 5, scale=0.1)], "BatchMatMulOptions"
    ),
)


def _bias(n: Net, scales: np.ndarray, x: float = 0.05) -> int:
    return n.const(rng.integers(-2000, 2000, len(scales)).astype(np.int32), scale=np.float32(x) * scales.astype(np.float32))


@pytest.fixture(autouse=True)
def _same_numbers_in_every_order() -> None:
    """A case draws its constants when it runs."""
    rng.bit_generator.state = np.random.default_rng(3).bit_generator.state


def _transposed(n: Net) -> int:
    scales = np.linspace(0.01, 0.03, 4)
    inputs = [n.const(i32(1, 8, 10, 4)), n.const(ints(4, 3, 3, 2), scale=scales), act(n, 1, 4, 5, 2), _bias(n, scales)]
    return n.op("TRANSPOSE_CONV", inputs, [out(n, 1, 8, 10, 4, scale=0.2)], "TransposeConvOptions", strideH=2, strideW=2)


def _dilated(n: Net) -> int:
    """Space to batch, depthwise convolution, batch to space: folded, the margins are the zero point."""
    scales = np.linspace(0.01, 0.03, 4)
    block, margins, crops = n.const(i32(2, 2)), n.const(i32(2, 2, 2, 2).reshape(2, 2)), n.const(i32(0, 0, 0, 0).reshape(2, 2))
    parts = n.op("SPACE_TO_BATCH_ND", [act(n, 1, 8, 6, 4), block, margins], [out(n, 4, 6, 5, 4)], "SpaceToBatchNDOptions")
    inputs = [parts, n.const(ints(1, 3, 3, 4), scale=scales, axis=3), _bias(n, scales)]
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "depthMultiplier": 1, "fusedActivationFunction": 1}
    conv = n.op("DEPTHWISE_CONV_2D", inputs, [out(n, 4, 4, 3, 4, scale=0.1, zero=-128)], "DepthwiseConv2DOptions", **fields)
    return n.op("BATCH_TO_SPACE_ND", [conv, block, crops], [out(n, 1, 8, 6, 4, scale=0.1, zero=-128)], "BatchToSpaceNDOptions")


case("transpose_conv", _transposed)
case("dilated_by_batches", _dilated)


@pytest.mark.parametrize("name", sorted(CASES))
def test_integers_are_within_one_step_of_the_reference_kernels(name: str, tmp_path: Path) -> None:
    build, most = CASES[name]
    net, path = Net(), tmp_path / "net.tflite"
    path.write_bytes(net.data(build(net)))
    inputs = [ints(*net.tensors[i].shape) for i in net.inputs]
    found = quantize_reported(load(path), None, Recipe())
    assert not found.islands
    kernels = "BUILTIN_WITHOUT_DEFAULT_DELEGATES" if name == "sum" else "BUILTIN_REF"  # the reference's int8 sum gives -1 for everything
    got, want = Session(found.graph).run(*inputs)[0], outputs(witness(path, *inputs, kernels=kernels))[0]
    assert got.dtype == want.dtype and got.shape == want.shape
    assert np.abs(got.astype(np.int32) - want).max() <= most
