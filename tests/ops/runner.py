"""One operator as a model: written to a file, run by the C core and by the reference, compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Tensor
from edgeq_runtime import lists, native
from edgeq_runtime.ops import DTYPES, run
from edgeq_runtime.packing import SIGNS
from tests.core import isa_masks
from tests.ops.cases.base import Array, Case
from tests.ops.compare import difference

SHOWN = 5  # differing runs that a failure prints

NAMES = {np.dtype(kind): name for name, kind in DTYPES.items() if lists.qtypes()[name].bits >= 8}


def graph_of(op: str, case: Case) -> Graph:
    """A graph of this one operator; edges have the internal layout and type. Signs enter and leave it as int8."""
    names = [f"in{i}" for i in range(len(case.inputs))]
    tensors = {
        name: Tensor(name, value.shape, case.stored.get(i, NAMES[value.dtype]), value if i in case.constant else None)
        for i, (name, value) in enumerate(zip(names, case.inputs, strict=True))
    }
    tensors["out"] = Tensor("out", case.shape, case.dtype)
    nodes, edges = [Node(op, op, tuple(names), ("out",), case.attrs)], {}
    for name, t in [(name, t) for name, t in tensors.items() if t.data is None]:
        at = name
        if t.dtype == SIGNS:
            at = f"{name} as s8"
            tensors[at] = replace(t, name=at, dtype="s8")
            nodes = [*nodes, _unpack(name, at)] if name == "out" else [_sign(name, at, tensors), *nodes]
        edges[name] = Edge(name, at, t.shape, tuple(range(len(t.shape))), tensors[at].dtype)
    return Graph(op, tensors, nodes, [edges[n] for n in names if n in edges], [edges["out"]])


def _unpack(name: str, to: str) -> Node:
    return Node("unpack_s8", to, (name,), (to,), {"plus": 1, "minus": -1})


def _sign(name: str, of: str, tensors: dict[str, Tensor]) -> Node:
    """-1 where it is negative."""
    shape, limits = tensors[of].shape[-1:], f"{name} limits"
    tensors[limits] = Tensor(limits, shape, "s16", np.zeros(shape, np.int16))
    return Node("sign_b1", name, (of, limits), (name,))


def model_bytes(op: str, case: Case) -> bytes:
    return to_bytes(Bundle(op, [Variant("case", graph_of(op, case))]))


def run_core(data: bytes, case: Case, isas: int) -> Array:
    """native.Error where the core refuses."""
    model = native.Model(data, isas=isas)
    result = model.run([value for i, value in enumerate(case.inputs) if i not in case.constant])
    return np.asarray(result[0] if isinstance(result, (list, tuple)) else result)


def run_reference(op: str, case: Case) -> Array:
    return run(op, case.attrs, list(case.inputs), case.shape, case.dtype)


def differences(op: str, cases: Iterable[Case]) -> list[str]:
    """Runs of the core under any set of instruction sets that differ from the reference."""
    wrong = []
    for case in cases:
        want, data = run_reference(op, case), model_bytes(op, case)
        for isas in isa_masks():
            problem = difference(want, run_core(data, case, isas))
            if problem:
                wrong.append(f"isas {isas:b}, {case.label}, {case.attrs}: {problem}")
    return wrong[:SHOWN]
