"""Products of signs: a whole convolution whose int8 input is packed to signs, multiplied, compared with thresholds and unpacked, beside the
same convolution in int8; and the kernels beside the loop of this CPU that they are made of."""

from __future__ import annotations

import ctypes
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import goals, layers
from bench.goals import Goal
from bench.layers import CONV3, Layer
from edgeq_host.bench import kernels, problems, timing
from edgeq_host.bench.compare import Engine as Holder
from edgeq_host.bench.litert import LiteRT
from edgeq_host.bench.ort import Ort
from edgeq_host.bench.own import Edgeq
from edgeq_host.bench.problems import Size
from edgeq_host.bench.timing import Engine, Memory, Row
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Tensor
from edgeq_runtime import native

KERNEL, WIDE, NARROW = "gemm_b1_b1_b1", "avx512_vpopcntdq", "avx2"
DEEP, SHALLOW = problems.SIGN_SHAPES  # K >= 1024 and K = 128
SHARES = {(WIDE, DEEP): 0.9, (WIDE, SHALLOW): 0.7, (NARROW, DEEP): 0.8}  # of the loop of xor, counting and adding
TIMES_INT8 = 4.0
FREE = ("stride_h", "stride_w", "dilation_h", "dilation_w")
PADS = ("pad_top", "pad_left", "pad_bottom", "pad_right")


@dataclass(frozen=True)
class Found:
    """share: of the peak, by instruction set and size. us: of a call, by engine."""

    share: dict[tuple[str, Size], float]
    us: dict[str, float]


def graph(layer: Layer) -> Graph:
    """A convolution of stride 1, padded to the size of its input, with int8 edges."""
    rng, (channels, high, _, depth) = np.random.default_rng(1), layer.weights
    limits = rng.integers(-9, 10, channels) * math.isqrt(layer.macs // math.prod(layer.y)) // 9
    tensors = {
        "x": Tensor("x", layer.x, "s8"),
        "zero": Tensor("zero", (depth,), "s16", np.zeros(depth, np.int16)),
        "x signs": Tensor("x signs", layer.x, "b1"),
        "w": Tensor("w", layer.weights, "b1", rng.choice(np.array([-1, 1], np.int8), layer.weights)),
        "limits": Tensor("limits", (channels,), "s32", limits.astype(np.int32)),
        "y signs": Tensor("y signs", layer.y, "b1"),
        "y": Tensor("y", layer.y, "s8"),
    }
    attrs = {**dict.fromkeys(FREE, 1), **dict.fromkeys(PADS, high // 2), "y_zero": 0, "lo": -128, "hi": 127}
    nodes = [
        Node("sign_b1", "sign", ("x", "zero"), ("x signs",)),
        Node("conv2d_b1", "conv", ("x signs", "w", "limits"), ("y signs",), attrs),
        Node("unpack_s8", "unpack", ("y signs",), ("y",), {"plus": 1, "minus": -1}),
    ]
    edges = [Edge(name, name, tensors[name].shape, (0, 1, 2, 3), "s8") for name in ("x", "y")]
    return Graph("signs", tensors, nodes, edges[:1], edges[1:])


def packed(layer: Layer) -> bytes:
    return to_bytes(Bundle("signs", [Variant("w1a1", graph(layer))]))


def _row(isa: str) -> int:
    """Its place in the list."""
    lib, row = timing.library(), Row()
    for index in range(lib.eq_bench_row_count()):
        lib.eq_bench_row(index, ctypes.byref(row))
        if (row.kernel.decode(), row.isa.decode()) == (KERNEL, isa):
            return index
    raise AssertionError(f"{KERNEL}__{isa} is no row")


def _kernel(isa: str, size: Size) -> Engine:
    lib, index, sizes = timing.library(), _row(isa), (ctypes.c_size_t * 3)(*size)
    memory = Memory(lib.eq_bench_row_bytes(index, sizes))

    def run(calls: int) -> int:
        return int(lib.eq_bench_row_run(index, sizes, memory.address, calls))

    return run


def outputs_of(engine: Holder) -> list[bytes]:
    """Of one run: the next one finds something else where the input was."""
    assert engine.run(1) > 0
    return engine.outputs()


def measure(rounds: int, layer: Layer = CONV3) -> Found:
    """In the same rounds: the kernels, their loops, and the layer in signs and, on every engine, in int8."""
    here = native.isas()
    loops = dict(kernels.peak_loops())
    rows = {(isa, size): _kernel(isa, size) for isa, size in SHARES if isa in here}
    with tempfile.TemporaryDirectory() as folder:
        path = layers.write_tflite(layer, Path(folder))
        made = layers.graph(path)
        narrow = 1 | 1 << here[NARROW] if NARROW in here else 1
        engines: dict[str, Holder] = {"signs": Edgeq(packed(layer)), "signs avx2": Edgeq(packed(layer), isas=narrow)}
        engines |= {"edgeq": Edgeq(layers.packed(made)), "litert": LiteRT(path), "onnxruntime u8s8": Ort(layers.qdq(made))}
        for engine in engines.values():
            engine.fill([layers.noise(math.prod(layer.x))])
        assert outputs_of(engines["signs"]) == outputs_of(engines["signs avx2"]), f"{layer.name}: AVX2 gives other signs"
        runs: dict[str, Engine] = {name: engine.run for name, engine in engines.items()}
        runs |= {f"{isa} {size}": run for (isa, size), run in rows.items()} | {name: run for name, (run, _) in loops.items()}
        ns = timing.interleave(runs, rounds)
    peaks = {isa: kernels.instruction(KERNEL, isa, 4) for isa, _ in rows}
    share = {(isa, size): problems.work(size) / ns[f"{isa} {size}"] / (loops[peaks[isa]][1] / ns[peaks[isa]]) for isa, size in rows}
    return Found(share, {name: ns[name] / 1000 for name in engines})


def of_signs(found: Found) -> Iterator[Goal]:
    for (isa, size), share in found.share.items():
        yield goals.at_least(
            f"{KERNEL}__{isa} {problems.text(KERNEL, size)}, of {kernels.instruction(KERNEL, isa, 4)}", SHARES[isa, size], share, "%"
        )
    if any(isa == WIDE for isa, _ in found.share):
        fastest = min(("edgeq", "litert", "onnxruntime u8s8"), key=lambda name: found.us[name])
        ratio = found.us[fastest] / found.us["signs"]
        what = f"{CONV3.name} of signs, packing, thresholds and unpacking included, of the fastest int8"
        yield goals.at_least(what, TIMES_INT8, ratio, more=f" ({fastest}; {found.us['signs']:.1f} us)")
