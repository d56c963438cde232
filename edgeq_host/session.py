"""Run a Graph on the C core of this machine: the integers that every device computes."""

from __future__ import annotations

import numpy as np

from edgeq_host.export import Bundle, Variant, to_bytes, used_tensors
from edgeq_host.graph import Array, Graph
from edgeq_runtime import native, packing
from edgeq_runtime.ops import DTYPES


class Session:
    """A graph made ready to run. keep_all: `tensor` gives every activation after a run. isas: a mask of instruction sets; None: all."""

    def __init__(self, graph: Graph, keep_all: bool = False, isas: int | None = None) -> None:
        self.graph = graph = graph.with_real_constants()
        data = to_bytes(Bundle(graph.name, [Variant("session", graph)]), keep_all)
        self.model = native.Model(data, isas=isas)
        self._place: dict[str, int] | None = None
        if keep_all:
            self._place = self._places()

    def run(self, *inputs: Array) -> list[Array]:
        """inputs: one array per graph input in the layout and type of the source; outputs likewise."""
        result = self.model.run(list(inputs))
        return list(result) if isinstance(result, (list, tuple)) else [result]

    def names(self) -> list[str]:
        """Activations that `tensor` can give."""
        assert self._place is not None, "names() needs keep_all"
        return list(self._place)

    def tensor(self, name: str) -> Array:
        """An activation of the last run: a copy, internal layout and type."""
        assert self._place is not None, "tensor() needs keep_all"
        wanted = self.graph.tensors[name]
        data = bytes(self.model.tensor_bytes(self._place[name]))
        if wanted.dtype == packing.SIGNS:
            return packing.unpack_rows(data, wanted.shape)
        return np.frombuffer(data, DTYPES[wanted.dtype]).reshape(wanted.shape)

    def _places(self) -> dict[str, int]:
        """Tensor index in the file of each activation: the file lists tensors in the order of their first use."""
        return {name: i for i, name in enumerate(used_tensors(self.graph)) if self.graph.tensors[name].data is None}
