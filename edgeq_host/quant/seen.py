"""What the calibration samples show of a layer's inputs: the statistics that methods read, collected here and nowhere else.

For products, inputs are taken as the integers that the layer will read, less their zero point, so that sums are whole numbers: exact in
float64, whatever adds them. Means are those of the float tensors, in the order of the samples.
Memory is bounded: products of as many layers as fit are collected in one pass over the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Array, Edge, Graph, Node
from edgeq_host.quant import window
from edgeq_host.session import Session

if TYPE_CHECKING:
    from edgeq_host.quant.build import Build

Float64 = NDArray[np.float64]

PREFIXES = ("float", "quantized")
COLUMNS_MAX = 4096  # of one matrix of products: a wider layer has several, as if its parts did not correlate
BATCH_BYTES = 256 << 20  # of products that are collected in one pass
_MEANS = ("conv2d_f32", "depthwise_conv2d_f32", "transpose_conv2d_f32", *window.DENSE)


class Means:
    """The mean of every channel (last axis) of what layers read, over samples: of each sample first, then of these."""

    def __init__(self, graph: Graph) -> None:
        read = {n.inputs[0] for n in graph.nodes if n.op in _MEANS}
        self._sums = {name: np.zeros(graph.tensors[name].shape[-1]) for name in sorted(read) if graph.tensors[name].data is None}
        self._samples = 0

    def see(self, session: Session) -> None:
        for name, total in self._sums.items():
            total += session.tensor(name).reshape(-1, total.size).mean(axis=0, dtype=np.float64)
        self._samples += 1

    def found(self) -> dict[str, Float64]:
        return {name: total / self._samples for name, total in self._sums.items()}


@dataclass
class Moments:
    """Sums of products of a layer's inputs over the outputs of all samples: X X^T of each of its matrices, [matrices, k, k] for each of
    the column ranges `parts`. Whole numbers. count: outputs."""

    parts: tuple[slice, ...]
    products: tuple[Float64, ...]
    count: int = 0

    @classmethod
    def zero(cls, matrices: int, columns: int) -> Moments:
        parts = tuple(slice(i, min(i + COLUMNS_MAX, columns)) for i in range(0, columns, COLUMNS_MAX))
        products = tuple(np.zeros((matrices, p.stop - p.start, p.stop - p.start)) for p in parts)
        return cls(parts, products)

    @property
    def matrices(self) -> int:
        return len(self.products[0])

    def add(self, rows: Float64) -> None:
        """rows: [matrices, outputs, K] of whole numbers."""
        self.count += rows.shape[1]
        for part, product in zip(self.parts, self.products, strict=True):
            some = rows[:, :, part]
            product += some.transpose(0, 2, 1) @ some

    def of(self, matrix: int) -> Iterator[tuple[slice, Float64]]:
        """Column ranges with their products."""
        return ((part, product[matrix]) for part, product in zip(self.parts, self.products, strict=True))


class Collector:
    """Goes through the samples when a layer's moments are asked for. wanted: layers that will ask, in their order."""

    def __init__(self, build: Build, samples: Iterable[list[Array]], wanted: list[Node], isas: int | None = None) -> None:
        self._build, self._samples, self._wanted, self._isas = build, samples, wanted, isas
        self._held: dict[str, Moments] = {}
        self.few: dict[str, tuple[int, int]] = {}  # layers of whose inputs there are fewer rows than columns: both numbers

    def of(self, node: Node) -> Seen:
        return Seen(self, node)

    def expected(self, node: Node) -> Float64 | None:
        """The mean input of every weight, in rows by output channel (or one row for all). None where there are no means."""
        graph, mean = self._build.source, self._build.means.get(node.inputs[0])
        if mean is None or node.op not in _MEANS:
            return None
        if node.op in window.DENSE:
            return mean[None, :]
        valid, channels = window.shares(graph, node), graph.tensors[node.outputs[0]].shape[3]
        if node.op == "depthwise_conv2d_f32":
            return np.repeat(mean, channels // mean.size)[:, None] * valid.reshape(1, -1)
        groups = node.attrs["groups"]
        rows = (valid[None, :, :, None] * mean.reshape(groups, 1, 1, -1)).reshape(groups, -1)
        return np.repeat(rows, channels // groups, axis=0)

    def moments(self, node: Node, prefix: str) -> Moments:
        found = self._moments(node, prefix)
        if found.count < self._columns(node):
            self.few[node.name] = found.count, self._columns(node)
        return found

    def _moments(self, node: Node, prefix: str) -> Moments:
        if prefix == "quantized":
            return self._behind_quantized(node)
        if node.outputs[0] not in self._held:
            self._held = self._behind_float(self._batch(node))
        return self._held[node.outputs[0]]

    def _batch(self, node: Node) -> list[Node]:
        """The layer and those behind it that fit into memory with it."""
        names = [n.outputs[0] for n in self._wanted]
        batch, size = [node], self._bytes(node)
        for other in self._wanted[names.index(node.outputs[0]) + 1 :] if node.outputs[0] in names else []:
            size += self._bytes(other)
            if size > BATCH_BYTES:
                break
            batch.append(other)
        return batch

    def _bytes(self, node: Node) -> int:
        columns = self._columns(node)
        return 8 * window.matrices(self._build.source, node) * columns * min(columns, COLUMNS_MAX)

    def _columns(self, node: Node) -> int:
        height, width = window.kernel(self._build.source, node)
        return height * width * window.depth(self._build.source, node)

    def _zero(self, node: Node) -> Moments:
        return Moments.zero(window.matrices(self._build.source, node), self._columns(node))

    def _behind_float(self, nodes: list[Node]) -> dict[str, Moments]:
        graph = self._build.source
        session = Session(graph, keep_all=True, isas=self._isas)
        found = {node.outputs[0]: self._zero(node) for node in nodes}
        for sample in self._samples:
            session.run(*sample)
            for node in nodes:
                at = self._build.quants[node.inputs[0]]  # of int8, which the sums are exact with
                q = at.quantize(session.tensor(node.inputs[0]))
                _add(found[node.outputs[0]], graph, node, q, at.zero)
        return found

    def _behind_quantized(self, node: Node) -> Moments:
        build, (graph, name) = self._build, self._build.so_far(node.inputs[0])
        shape = graph.tensors[name].shape
        wide = graph.tensors[name].dtype == "s16"
        edge = Edge(name, name, shape, tuple(range(len(shape))), graph.tensors[name].dtype)
        session = Session(replace(graph, outputs=[edge]), isas=self._isas)
        found = self._zero(node)
        for sample in self._samples:
            q = session.run(*sample)[0]
            _add(found, build.source, node, np.rint(q / 256) if wide else q, build.affine(node.inputs[0]).zero)
        return found


@dataclass(frozen=True)
class Seen:
    """What was collected for one layer."""

    collector: Collector
    node: Node

    def expected(self) -> Float64 | None:
        return self.collector.expected(self.node)

    def moments(self, prefix: str) -> Moments:
        """prefix: inputs of the float network, quantized; or those behind the layers that are quantized so far."""
        return self.collector.moments(self.node, prefix)


def _add(to: Moments, graph: Graph, node: Node, q: Array, zero: int) -> None:
    for rows in window.patches(graph, node, q.astype(np.float64) - zero):
        to.add(rows)
