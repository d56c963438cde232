"""What every importer shares: options, the list of problems, and a builder of graphs."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgeq_host.attributes import full_attrs
from edgeq_host.errors import ModelError, UnsupportedError, UsageError
from edgeq_host.graph import Array, Attrs, Edge, Graph, Node, Quant, Tensor, free_name
from edgeq_host.importers.cuts import Cut

MAX_RANK = 6
MAX_ELEMENTS = 2**31 - 1
MAX_FILE_BYTES = 2**31 - 1  # protobuf and FlatBuffers stop here too

DTYPES = {"f32": np.float32, "s32": np.int32, "s8": np.int8, "u8": np.uint8}


@dataclass(frozen=True)
class ImportOptions:
    """shapes: input name to its whole shape. inputs, outputs: names of nodes or tensors where the graph is cut; empty: the source's own."""

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def at(self, cut: Cut) -> ImportOptions:
        """The same for a part of the model: its own inputs may go."""
        shapes = {name: shape for name, shape in self.shapes.items() if not cut.inputs or name in cut.inputs}
        return ImportOptions(shapes, cut.inputs or self.inputs, cut.outputs or self.outputs)


@dataclass(frozen=True)
class Problem:
    """One place of a model that edgeq cannot take: node name, operator of the source, why, and what to do."""

    node: str
    op: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.op} '{self.node}': {self.reason}" + (f" ({self.hint})" if self.hint else "")


class Refusal(Exception):
    """Raised by a rule for the node at hand; the importer turns it into a Problem and goes on with the next node."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class OperatorsError(UnsupportedError):
    """UnsupportedError with the problems as they are, for reports."""

    def __init__(self, message: str, hint: str, places: tuple[Problem, ...]) -> None:
        super().__init__(message, hint, tuple(str(p) for p in places))
        self.places = places


@dataclass(frozen=True)
class Survey:
    """A look at a model that lists every problem. operators: of the source, with how often they occur. graph: None where problems stand
    in its way. cut: what can be kept without them; None where nothing can. shapes: flags that fix what the file leaves open; only what
    needs no shapes was looked at then."""

    problems: tuple[Problem, ...]
    operators: dict[str, int]
    graph: Graph | None
    cut: Cut | None = None
    shapes: tuple[str, ...] = ()


def nearest(name: str, names: Iterable[str]) -> str:
    """Names that hold this one or look like it, as words of a hint; empty where there are none."""
    known = list(dict.fromkeys(filter(None, names)))
    near = [n for n in known if name and name.lower() in n.lower()]
    if not near and len(known) < 5000:
        near = difflib.get_close_matches(name, known, 5, 0.5)
    return f"did you mean {', '.join(near[:5])}?" if near else ""


def unsupported(path: Path | str, problems: Sequence[Problem], hint: str = "") -> OperatorsError:
    """The error that names every problem, not only the first."""
    lines = tuple(str(p) for p in problems)
    count = f"{len(lines)} operators that edgeq cannot run" if len(lines) > 1 else "an operator that edgeq cannot run"
    hint = hint or f"run 'edgeq check {path}' to see where the graph can be cut"
    return OperatorsError("\n  ".join([f"{path} has {count}:", *lines]), hint, tuple(problems))


def read_bytes(path: Path) -> bytes:
    """The whole file, or a ModelError that says why not."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path} has {size} bytes, more than the {MAX_FILE_BYTES} that a model file may have", "use a smaller one")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", "give the path of a model file") from None


def checked_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape, or a Refusal where edgeq cannot hold such a tensor."""
    dims = tuple(int(d) for d in shape)
    if len(dims) > MAX_RANK:
        raise Refusal(f"'{name}' has {len(dims)} dimensions {list(dims)}, at most {MAX_RANK} are possible")
    if any(d < 1 for d in dims):
        raise Refusal(f"'{name}' has the shape {list(dims)}; every dimension must be at least 1")
    if math.prod(dims) > MAX_ELEMENTS:
        raise Refusal(f"'{name}' has {math.prod(dims)} elements, at most {MAX_ELEMENTS} are possible")
    return dims


def given_shape(name: str, given: tuple[int, ...], stated: Sequence[int | None] | None) -> tuple[int, ...]:
    """--shape of an input: any of the rank that the file states; whether the operators can follow is for them to say."""
    shown = ",".join(map(str, given))
    example = f"for example --shape {name}={','.join(str(d or 8) for d in stated or (1, 3, 96, 96))}"
    if not given or any(d < 1 for d in given) or math.prod(given) > MAX_ELEMENTS:
        found = f"--shape {name}={shown}: every dimension must be at least 1, of at most {MAX_ELEMENTS} elements in all"
        raise UsageError(found, example)
    if stated is not None and len(stated) != len(given):
        raise UsageError(f"--shape {name}={shown} has {len(given)} dimensions, the model's input has {len(stated)}", example)
    return given


def fixed_hint(stated: Mapping[str, Sequence[int | None]]) -> str:
    """For an operator that cannot follow --shape to another shape than the file's."""
    shown = ", ".join(f"{name} at {['?' if d is None else d for d in dims]}" for name, dims in stated.items())
    return f"the file fixes {shown}: leave --shape out, or export the model for that shape" if stated else ""


def dtype_of(array: Array) -> str:
    """The name in qtypes.def of an array's type; wider floats become f32, other integers s32."""
    for name, kind in DTYPES.items():
        if array.dtype == kind:
            return name
    return "f32" if array.dtype.kind == "f" else "s32"


class Builder:
    """A graph in the making. Names are unique; attributes that a rule leaves out are filled: lo, hi with no bound, the rest with 0."""

    def __init__(self, name: str) -> None:
        self.graph = Graph(name=name, tensors={}, nodes=[], inputs=[], outputs=[])
        self._taken: set[str] = set()

    def fresh(self, base: str) -> str:
        """A name that no tensor and no node has: base itself, or base with a number."""
        return free_name(base, self._taken)

    def tensor(self, name: str) -> Tensor:
        return self.graph.tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.graph.tensors[name].shape

    def constant(self, base: str, data: Array, quant: Quant | None = None) -> str:
        """A constant; data without quant keeps its type where edgeq has it."""
        name = self.fresh(base)
        dtype = dtype_of(data)
        data = np.asarray(data, DTYPES[dtype])
        self.graph.tensors[name] = Tensor(name, checked_shape(name, data.shape), dtype, data, quant)
        return name

    def activation(self, base: str, shape: Sequence[int], dtype: str = "f32", quant: Quant | None = None) -> str:
        name = self.fresh(base)
        self.graph.tensors[name] = Tensor(name, checked_shape(name, shape), dtype, None, quant)
        return name

    def remark(self, text: str) -> None:
        if text not in self.graph.remarks:
            self.graph.remarks += (text,)

    def input(self, edge_name: str, shape: Sequence[int], dtype: str, quant: Quant | None = None) -> str:
        """An input of the model: the tensor is s8/u8/s32/f32 as it comes in, or f32 with quant where the source quantized it."""
        name = self.activation(edge_name, shape, "f32" if quant else dtype, quant)
        dims = self.shape(name)
        self.graph.inputs.append(Edge(edge_name, name, dims, tuple(range(len(dims))), dtype))
        return name

    def output(self, edge_name: str, tensor: str, dtype: str | None = None) -> None:
        held = self.tensor(tensor)
        self.graph.outputs.append(Edge(edge_name, tensor, held.shape, tuple(range(len(held.shape))), dtype or held.dtype))

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        shape: Sequence[int],
        name: str,
        *,
        attrs: Attrs | None = None,
        dtype: str | None = None,
        quant: Quant | None = None,
    ) -> str:
        """Append one node with one output and return the output's name. The type is f32 for *_f32 operators, else the first input's."""
        kind = dtype or ("f32" if op.endswith("_f32") else self.tensor(inputs[0]).dtype)
        out = self.activation(name, shape, kind, quant)
        self.graph.nodes.append(Node(op, out, tuple(inputs), (out,), full_attrs(op, attrs or {})))
        return out
