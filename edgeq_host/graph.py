"""The graph between importers, quantizer and exporter: operators of ops.def over named tensors.

Importers produce float32 operators only (names ending in _f32, and the byte movers). What a source says about quantization
stands beside the tensors as `Quant`; the quantizer turns that, or calibrated ranges, into int8 operators. Image tensors are NHWC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq_runtime import lists

Array = NDArray[Any]
SIGN = 64  # the integer of the larger of two values s and -s: means of them, and biases beside them, then have 6 bits below s
Attrs = dict[str, Any]  # values by field name of ops.def: int, float, or list[int] for array fields


@dataclass(frozen=True)
class Quant:
    """real = scale * (q - zero). scale: float64 array of 1 entry, or one per slice of `axis`; zero: int64 array of the same length.

    For int8 storage: a uint8 source is already shifted (q - 128, zero - 128).
    """

    scale: Array
    zero: Array
    axis: int | None = None

    def __repr__(self) -> str:
        if self.axis is None:
            return f"<Quant: scale {float(self.scale[0]):.6g}, zero {int(self.zero[0])}>"
        return f"<Quant: {self.scale.size} scales of axis {self.axis}>"


def signs_quant(plus: float, minus: float) -> Quant | None:
    """The quantization of a tensor of two values s and -s; None of others."""
    return Quant(np.array([plus / SIGN]), np.zeros(1, np.int64)) if plus == -minus and 2.0**-100 <= plus <= 2.0**100 else None


@dataclass(frozen=True)
class Tensor:
    """`data` None: an activation. A constant with `quant` holds the integers (int8 weights, int32 biases), else real values.

    An activation with `quant` has had its scale chosen by the source (QDQ, QOperator, int8 TFLite); its dtype stays "f32"
    until the quantizer has run.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str  # a name of qtypes.def
    data: Array | None = None
    quant: Quant | None = None

    @property
    def is_real(self) -> bool:
        """Stands for real numbers: a float tensor, or a constant of quantized ones; not indices."""
        return self.dtype == "f32" or (self.data is not None and self.quant is not None)

    def __repr__(self) -> str:
        kinds = [self.dtype, str(list(self.shape)), "constant" if self.data is not None else "", repr(self.quant) if self.quant else ""]
        return f"<Tensor {self.name!r}: {' '.join(filter(None, kinds))}>"

    def real(self) -> Array:
        """The real values of a constant, float32."""
        assert self.data is not None, f"{self.name} is not a constant"
        if self.quant is None:
            return np.asarray(self.data, np.float32)
        shape = [1] * self.data.ndim
        if self.quant.axis is not None:
            shape[self.quant.axis] = -1
        q = self.data.astype(np.float64) - self.quant.zero.reshape(shape)
        with np.errstate(over="ignore"):  # an infinity is refused where it matters
            return np.asarray(q * self.quant.scale.reshape(shape), np.float32)


@dataclass(frozen=True)
class Node:
    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Attrs = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """An input or output as the source has it. Internal axis i is source axis permutation[i]; dtype: f32, s8, u8 or s32."""

    name: str
    tensor: str
    shape: tuple[int, ...]
    permutation: tuple[int, ...]
    dtype: str


@dataclass
class Graph:
    name: str
    tensors: dict[str, Tensor]
    nodes: list[Node]  # in an order in which they can run
    inputs: list[Edge]
    outputs: list[Edge]
    labels: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # where the importer takes something for what it is not quite, each once

    def __repr__(self) -> str:
        edges = [", ".join(f"{e.name} {e.dtype} {list(e.shape)}" for e in side) for side in (self.inputs, self.outputs)]
        size = sum(t.data.nbytes for t in self.tensors.values() if t.data is not None)
        return f"<Graph {self.name!r}: {edges[0]} -> {edges[1]}, {len(self.nodes)} operators, {size} bytes of constants>"

    def producer(self, tensor: str) -> Node | None:
        return next((n for n in self.nodes if tensor in n.outputs), None)

    def consumers(self, tensor: str) -> list[Node]:
        return [n for n in self.nodes if tensor in n.inputs]

    def constants(self, node: Node) -> Iterator[Tensor]:
        return (self.tensors[i] for i in node.inputs if self.tensors[i].data is not None)

    def copy(self) -> Graph:
        return replace(self, tensors=dict(self.tensors), nodes=list(self.nodes), inputs=list(self.inputs), outputs=list(self.outputs))

    def with_real_constants(self) -> Graph:
        """The same graph with float32 in place of the quantized constants that float operators read: it can run."""
        graph = self.copy()
        for node in self.nodes:
            if not node.op.startswith("dequantize_") and self.tensors[node.outputs[0]].dtype == "f32":
                for t in self.constants(node):
                    if t.quant is not None:
                        graph.tensors[t.name] = replace(t, dtype="f32", data=t.real(), quant=None)
        return graph

    def validate(self) -> None:
        """AssertionError unless every node names known tensors, in an order that runs, with exactly the attributes of its row."""
        ready = {e.tensor for e in self.inputs} | {t.name for t in self.tensors.values() if t.data is not None}
        for node in self.nodes:
            op = lists.ops()[node.op]
            assert set(node.attrs) == {f.name for f in op.fields}, f"{node.name}: {node.op} has {sorted(node.attrs)}"
            assert op.inputs_min <= len(node.inputs) <= op.inputs_max, f"{node.name}: {len(node.inputs)} inputs"
            for name in node.inputs:
                assert name in ready, f"{node.name} reads {name} before it is made"
            for name in node.outputs:
                assert name in self.tensors and name not in ready, f"{node.name} makes {name}"
                ready.add(name)
        for edge in self.outputs:
            assert edge.tensor in ready, f"output {edge.name} is never made"


def free_name(base: str, taken: set[str]) -> str:
    """base itself, or base with a number; it joins those that are taken."""
    name, count = base or "value", 1
    while name in taken:
        count += 1
        name = f"{base or 'value'}.{count}"
    taken.add(name)
    return name
