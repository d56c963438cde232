"""One ONNX node as a rule sees it: typed access to inputs and attributes, and the nodes that it emits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from edgeq_host.graph import Array, Attrs, Quant, Tensor
from edgeq_host.importers.common import Builder, Refusal
from edgeq_host.importers.onnx_ops.values import Act, Comparison, Const, Unknown, Value, same_quant

MAX_CONSTANT_ELEMENTS = 1 << 26


class Op:
    """The node at hand. `values` maps every ONNX name met so far to its value; `uses` counts the readers of a name."""

    def __init__(self, node: onnx.NodeProto, opset: int, builder: Builder, values: dict[str, Value], uses: dict[str, int]) -> None:
        self.node = node
        self.opset = opset
        self.builder = builder
        self.values = values
        self.uses = uses
        self._attrs = {a.name: a for a in node.attribute}

    # attributes
    def attr(self, name: str, default: Any = None) -> Any:
        if name not in self._attrs:
            return default
        value = onnx.helper.get_attribute_value(self._attrs[name])
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def need(self, name: str) -> Any:
        value = self.attr(name)
        if value is None:
            raise Refusal(f"the attribute '{name}' is missing")
        return value

    # inputs
    @property
    def count(self) -> int:
        return len(self.node.input)

    def has(self, i: int) -> bool:
        return i < len(self.node.input) and bool(self.node.input[i])

    def value(self, i: int) -> Const | Act:
        if not self.has(i):
            raise Refusal(f"input {i} is missing")
        value = self.values[self.node.input[i]]
        assert not isinstance(value, Unknown)
        if isinstance(value, Comparison):
            raise Refusal(f"input '{self.node.input[i]}' is true or false", "turn it into numbers at once, by Where or Cast")
        return value

    def comparison(self, i: int) -> Comparison | None:
        value = self.values[self.node.input[i]] if self.has(i) else None
        return value if isinstance(value, Comparison) else None

    def shape(self, i: int) -> tuple[int, ...]:
        return self.value(i).shape

    def is_const(self, i: int) -> bool:
        return self.has(i) and isinstance(self.values[self.node.input[i]], Const)

    def held(self, i: int, what: str) -> Const:
        """Input i, which must be constant, with its quantization."""
        value = self.value(i)
        if not isinstance(value, Const):
            raise Refusal(f"{what} '{self.node.input[i]}' is computed at run time", "it must be a constant")
        return value

    def const(self, i: int, what: str) -> Array:
        return self.held(i, what).real()

    def ints(self, i: int, what: str) -> list[int]:
        data = self.const(i, what)
        if data.dtype.kind not in "iu" or data.size > 64:
            raise Refusal(f"{what} '{self.node.input[i]}' is not a short list of integers")
        return [int(v) for v in data.reshape(-1)]

    def scalar(self, i: int, what: str) -> float:
        data = self.const(i, what)
        if data.size != 1:
            raise Refusal(f"{what} '{self.node.input[i]}' has {data.size} elements, expected one")
        return float(data.reshape(-1)[0])

    def any(self, i: int) -> str:
        """Input i as a tensor of the graph, of any type."""
        value = self.value(i)
        if isinstance(value, Act):
            return value.tensor
        if value.data.size > MAX_CONSTANT_ELEMENTS:
            raise Refusal(f"the constant '{self.node.input[i]}' has {value.data.size} elements")
        kind = value.data.dtype
        if kind.kind not in "fiu" or (kind.kind in "iu" and kind not in (np.int32, np.int8, np.uint8)):
            raise Refusal(f"the constant '{self.node.input[i]}' is {kind}", "edgeq computes in float32, int32, int8 and uint8")
        return self.builder.constant(self.node.input[i], value.data, value.quant)

    def tensor(self, i: int) -> str:
        """Input i as a float32 tensor of the graph."""
        name = self.any(i)
        held = self.builder.tensor(name)
        value = self.value(i)
        quantized_constant = held.data is not None and held.quant is not None
        if (held.dtype != "f32" and not quantized_constant) or (isinstance(value, Act) and value.integers):
            raise Refusal(f"input '{self.node.input[i]}' is {held.dtype}, expected float32")
        return name

    # outputs
    @property
    def output(self) -> str:
        return str(self.node.output[0])

    def used(self, i: int) -> bool:
        return i < len(self.node.output) and bool(self.node.output[i]) and self.uses.get(self.node.output[i], 0) > 0

    def refuse_outputs(self, first: int) -> None:
        for i in range(first, len(self.node.output)):
            if self.used(i):
                raise Refusal(f"its output {i} '{self.node.output[i]}' is used, only output {first - 1} can be computed")

    def emit(
        self,
        op: str,
        inputs: Sequence[str],
        shape: Sequence[int],
        attrs: Attrs | None = None,
        *,
        role: str = "",
        quant: Quant | None = None,
        dtype: str | None = None,
    ) -> str:
        """Append a node. The one without a role bears the name of the ONNX output and is what reports show."""
        base = f"{self.output}/{role}" if role else self.output
        return self.builder.add(op, inputs, shape, base, attrs=attrs, quant=quant, dtype=dtype)

    def constant(self, data: Array, role: str) -> str:
        return self.builder.constant(f"{self.output}/{role}", data)

    def scalar_constant(self, value: float, role: str) -> str:
        return self.constant(np.array([value], np.float32), role)

    def keep(self, const: Const, i: int) -> str:
        """A constant made from input i."""
        return self.builder.constant(self.node.input[i], const.data, const.quant)

    def done(self, tensor: str, i: int = 0, *, integers: str = "") -> None:
        """Output i of the node is this tensor."""
        self.values[self.node.output[i]] = Act(tensor, self.builder.shape(tensor), integers)

    def alias(self, i: int = 0) -> None:
        """Output 0 is input i as it stands."""
        self.values[self.output] = self.value(i)

    # movements that many rules share
    def transpose(self, x: str, perm: Sequence[int], role: str = "") -> str:
        dims = self.builder.shape(x)
        if list(perm) == list(range(len(dims))):
            return x
        return self.emit("transpose", [x], [dims[p] for p in perm], {"perm": list(perm)}, role=role, quant=self.moved(x))

    def reshape(self, x: str, shape: Sequence[int], role: str = "") -> str:
        if tuple(shape) == self.builder.shape(x):
            return x
        return self.emit("reshape", [x], shape, role=role, quant=self.moved(x))

    def moved(self, x: str) -> Quant | None:
        """The quantization of what an operator that only moves bytes makes of x."""
        held = self.builder.tensor(x)
        return held.quant if held.data is None else None

    def annotate(self, tensor: str, quant: Quant, sole: bool) -> str:
        """The tensor with this quantization: itself where nothing else reads it (`sole`), else a copy that is requantized."""
        held = self.builder.tensor(tensor)
        if same_quant(held.quant, quant):
            return tensor
        if held.quant is None and held.data is None and sole:
            self.builder.graph.tensors[tensor] = Tensor(held.name, held.shape, held.dtype, None, quant)
            return tensor
        return self.emit("clip_f32", [tensor], held.shape, role="quantized", quant=quant)
