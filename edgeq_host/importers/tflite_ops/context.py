"""What a rule works with: the operator at hand, its inputs as tensors of the graph, and ways to add nodes for its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeq_host.attributes import full_attrs
from edgeq_host.graph import Array, Attrs, Node, Quant, Tensor
from edgeq_host.importers.common import Builder, Refusal, checked_shape, dtype_of
from edgeq_host.importers.tflite_file import FileModel, FileOperator, FileTensor
from edgeq_host.importers.tflite_ops.constants import activation_quant, constant
from edgeq_runtime.ops import run

MAX_FOLDED = 2**26  # elements of constants that a file may make us compute, beyond a multiple of its own size
EDGE_TYPES = {"FLOAT32": "f32", "INT8": "s8", "UINT8": "u8", "INT32": "s32"}


class NotConstant(Refusal):
    """Behind an operator that was refused this need not be the fault of the operator at hand."""


@dataclass
class Context:
    """`held`: what each tensor of the file is in the graph. Outputs of several operators may be one tensor there (DEQUANTIZE)."""

    model: FileModel
    builder: Builder
    held: dict[int, str]
    folded: int = 0

    def at(self, op: FileOperator) -> Step:
        return Step(self, op)

    def tensor(self, index: int) -> Tensor:
        """The tensor of the graph for a tensor of the file; a constant enters the graph when it is first asked for."""
        if index not in self.held:
            source = self.model.tensors[index]
            data, quant = constant(source)
            self.held[index] = self.store(source.name, data, quant)
        return self.builder.tensor(self.held[index])

    def spend(self, elements: int) -> None:
        self.folded += elements
        if self.folded > MAX_FOLDED + 8 * self.model.size:
            raise Refusal(f"constants of {self.folded} elements come out of a file of {self.model.size} bytes")

    def store(self, name: str, data: Array, quant: Quant | None) -> str:
        """int64 stays as it is until a node reads it: slices use its extremes for "to the end". Shapes may be empty."""
        self.spend(data.size)
        if data.dtype != np.int64 and data.size:
            return self.builder.constant(name, data, quant)
        name = self.builder.fresh(name)
        self.builder.graph.tensors[name] = Tensor(name, data.shape, dtype_of(data), data, quant)
        return name


class Step:
    """One operator. Inputs and outputs are counted as in the file."""

    def __init__(self, context: Context, op: FileOperator) -> None:
        self.context, self.op, self.options = context, op, op.options

    @property
    def name(self) -> str:
        """TFLite operators have no names: their first output's stands for them, as in other tools."""
        return self.context.model.tensors[self.op.outputs[0]].name

    def has(self, k: int) -> bool:
        return k < len(self.op.inputs) and self.op.inputs[k] >= 0

    def input(self, k: int = 0) -> Tensor:
        if not self.has(k):
            raise Refusal(f"its input {k} is missing", "the file is damaged")
        return self.context.tensor(self.op.inputs[k])

    def inputs(self) -> list[Tensor]:
        return [self.input(k) for k in range(len(self.op.inputs))]

    def real(self, k: int = 0) -> Tensor:
        """An input that stands for real numbers: float32, or integers with a scale."""
        tensor = self.input(k)
        if tensor.dtype != "f32" and tensor.quant is None:
            kind = self.context.model.tensors[self.op.inputs[k]].type
            raise Refusal(f"it computes on {kind} without a scale; expected float32, int8 or uint8", "compute it outside the network")
        return tensor

    def ints(self, k: int) -> list[int]:
        """The numbers of a constant of integers."""
        tensor = self.input(k)
        if tensor.data is None:
            reason = f"its input {k} ('{tensor.name}') is computed while the network runs; expected a constant"
            raise NotConstant(reason, "export with fixed shapes")
        if tensor.data.dtype.kind not in "iu":
            raise Refusal(f"its input {k} ('{tensor.name}') is not of integers")
        return [int(v) for v in tensor.data.reshape(-1)]

    def broadcast(self, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        try:
            return np.broadcast_shapes(a, b)
        except ValueError:
            raise Refusal(f"shapes {list(a)} and {list(b)} do not broadcast") from None

    def axis(self, value: int, rank: int) -> int:
        if not -rank <= value < rank:
            raise Refusal(f"axis {value} of a tensor with {rank} dimensions")
        return value % rank

    def output(self, k: int = 0) -> FileTensor:
        return self.context.model.tensors[self.op.outputs[k]]

    def quant(self, k: int = 0) -> Quant | None:
        """Of an output; activations have 8 bits, other integers are plain numbers."""
        return activation_quant(self.output(k))

    def alias(self, tensor: Tensor, k: int = 0) -> None:
        self.context.held[self.op.outputs[k]] = tensor.name

    def constant(self, data: Array, suffix: str = "") -> Tensor:
        """A constant made here, for an input of a node."""
        return self.context.builder.tensor(self.context.store(self.name + suffix, data, None))

    def fold(self, data: Array, k: int = 0, quant: Quant | None = None) -> None:
        """Output k is this constant."""
        self.context.held[self.op.outputs[k]] = self.context.store(self.output(k).name, data, quant)

    def add(self, kind: str, inputs: Sequence[Tensor], shape: Sequence[int], attrs: Attrs | None = None) -> Tensor:
        """A node in the middle of what the operator does. Byte movers keep their input's quantization; other results have none."""
        quant = None if kind.endswith("_f32") else inputs[0].quant
        return self._node(kind, inputs, shape, attrs or {}, f"{self.name}/{kind}", quant)

    def emit(
        self, kind: str, inputs: Sequence[Tensor], shape: Sequence[int], attrs: Attrs | None = None, k: int = 0, dtype: str = ""
    ) -> None:
        """The node that gives output k. A byte mover behind DEQUANTIZE has no scale of its own in the file, but that of its input."""
        quant = self.quant(k) or (None if kind.endswith("_f32") or dtype else inputs[0].quant)
        result = self._node(kind, inputs, shape, attrs or {}, self.output(k).name, quant, dtype)
        self.context.held[self.op.outputs[k]] = result.name

    def _node(
        self, kind: str, inputs: Sequence[Tensor], shape: Sequence[int], attrs: Attrs, name: str, quant: Quant | None, dtype: str = ""
    ) -> Tensor:
        builder = self.context.builder
        dims = checked_shape(name, shape)
        if not kind.endswith("_f32") and all(t.data is not None for t in inputs):
            return self._folded(kind, inputs, dims, attrs, name, dtype or inputs[0].dtype)
        names = [self._carried(t) for t in inputs]
        real = kind.endswith("_f32") or inputs[0].quant is not None
        out = builder.activation(name, dims, dtype or ("f32" if real else inputs[0].dtype), quant)
        builder.graph.nodes.append(Node(kind, out, tuple(names), (out,), full_attrs(kind, attrs)))
        return builder.tensor(out)

    def _folded(self, kind: str, inputs: Sequence[Tensor], dims: tuple[int, ...], attrs: Attrs, name: str, dtype: str) -> Tensor:
        """Bytes of constants are moved now. Integers stay integers where they all mean the same and no new value comes in."""
        self.context.spend(math.prod(dims))
        quant = inputs[0].quant
        same = quant is None or (quant.axis is None and kind != "pad")
        if same and all(t.quant is quant for t in inputs):
            arrays = [np.asarray(t.data) for t in inputs]
        else:
            arrays, quant = [t.real() for t in inputs], None
        data = run(kind, full_attrs(kind, attrs), arrays, dims, dtype)
        return self.context.builder.tensor(self.context.store(name, np.asarray(data), quant))

    def _carried(self, tensor: Tensor) -> str:
        """The name of an input; int64 constants become int32 here, where they enter the graph for good."""
        if tensor.data is None or tensor.data.dtype != np.int64:
            return tensor.name
        if tensor.data.size and np.abs(tensor.data).max() >= 2**31:
            raise Refusal(f"'{tensor.name}' holds integers beyond 32 bits")
        self.context.builder.graph.tensors[tensor.name] = replace(tensor, data=tensor.data.astype(np.int32))
        return tensor.name


Run = Callable[[Step], None]
