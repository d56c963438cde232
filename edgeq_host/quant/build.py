"""The integer graph under construction: what the rules write to.

A tensor of the float graph may exist here as int8 or int16 (the form that is made first has its own name), as float32 (name/f32, around
islands), or in several forms; whoever needs one asks for it and the conversion is made once. Rules ask for the form of the node at hand:
`wide` says whether it computes in int16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import SIGN, Array, Attrs, Edge, Graph, Node, Quant, Tensor
from edgeq_host.quant import signs
from edgeq_host.quant.affine import LEVELS, WIDE_LEVELS, Affine, affine, narrowed, of
from edgeq_host.quant.widths import INT8, Width
from edgeq_runtime import lists, rounding

if TYPE_CHECKING:
    from edgeq_host.quant.nested import Planes
    from edgeq_host.quant.seen import Collector, Seen


class NoRuleError(Exception):
    """This node cannot run in integers, for the reason given: it becomes a float island. Raised before anything is emitted."""


class Build:
    def __init__(self, source: Graph, quants: dict[str, Affine], means: dict[str, NDArray[np.float64]] | None = None) -> None:
        """means: by tensor, the mean of every channel (last axis) over the calibration samples."""
        self.source = source
        self.quants = quants
        self.wide_quants: dict[str, Affine] = {}  # of int16 forms
        self.made_wide: frozenset[str] = frozenset()  # outputs of nodes that compute in int16, and inputs of the graph
        self.wide = False
        self.means = means or {}
        self.layers: dict[str, Width] = {}  # by output tensor; what is not there is int8
        self.steps: tuple[tuple[str, Any], ...] = ()  # method and checked options
        self.collector: Collector | None = None
        self.nest: dict[str, Planes] = {}  # nested weights, by output tensor: those of another variant are taken as they are
        self.dry = False  # sizes alone count: weights are placeholders
        self.graph = Graph(source.name, {}, [], [], [], source.labels)
        self.signs = signs.find(source)
        self._integers: dict[tuple[str, Affine], str] = {}
        self._own: dict[str, Affine] = {}  # as what a tensor was made
        self._f32: dict[str, str] = {}
        self._b1: dict[str, str] = {}

    # What a rule asks of the float graph.

    def width(self, node: Node) -> Width:
        """How wide a layer is."""
        return self.layers.get(node.outputs[0], INT8)

    def seen(self, node: Node) -> Seen | None:
        """What the calibration samples show of a layer."""
        return None if self.collector is None else self.collector.of(node)

    def tensor(self, name: str) -> Tensor:
        return self.source.tensors[name]

    def constant(self, name: str) -> Array | None:
        """Real values of a constant, None for an activation."""
        tensor = self.source.tensors[name]
        return None if tensor.data is None else tensor.real()

    def affine(self, name: str) -> Affine:
        """The quantization of a tensor in the form of the node at hand; of a constant: what it came with, or its range."""
        tensor = self.source.tensors[name]
        if tensor.data is None:
            return (self.wide_quants if self.wide else self.quants)[name]
        if _is_int8(tensor) and tensor.quant is not None:
            return narrowed(of(tensor.quant), WIDE_LEVELS if self.wide else LEVELS)
        values = tensor.real()
        if not np.isfinite(values).all():
            raise NoRuleError(f"the constant {name} holds values that are not finite")
        return affine(float(values.min()), float(values.max()), WIDE_LEVELS if self.wide else LEVELS)

    def pair(self, factor: float, bound: int, what: str) -> Attrs:
        """m and n of a factor for sums of at most `bound`, as the node at hand has them."""
        return pair(factor, bound, what, self.wide)

    # Tensors of the integer graph.

    def integers(self, name: str, at: Affine | None = None) -> str:
        """A tensor as integers, in the quantization that it has in the form of the node at hand or in that of `at`."""
        wanted = at or self.affine(name)
        if (name, wanted) not in self._integers:
            tensor = self.source.tensors[name]
            if tensor.data is not None:
                self._integers[name, wanted] = self._quantized_constant(tensor, wanted)
            elif name not in self._own:
                (self._unpack if name in self._b1 else self._quantize)(name)
            if (name, wanted) not in self._integers:
                self._requantize(name, self._own[name], wanted)
        return self._integers[name, wanted]

    def f32(self, name: str) -> str:
        """The float32 form of a tensor."""
        if name not in self._f32:
            tensor = self.source.tensors[name]
            if tensor.data is not None:
                self._f32[name] = self.add_constant(f"{name}/f32", tensor.real(), "f32")
            else:
                if name not in self._own:
                    self._unpack(name)
                own = self._own[name]
                self._f32[name] = self._activation(f"{name}/f32", tensor.shape, "f32", None)
                source, attrs = self._integers[name, own], _scale(own)
                self.emit(f"dequantize_{own.dtype}", f"{name}/dequantize", [source], self._f32[name], attrs)
        return self._f32[name]

    def b1(self, name: str) -> str:
        """The bits of a tensor of signs."""
        if name not in self._b1:
            x, shape = self.integers(name), self.source.tensors[name].shape
            t = self.add_constant(f"{name}/zero", np.zeros(shape[-1], np.int16), "s16")
            self.emit("sign_b1", f"{name}/pack", [x, t], self.output_b1(name))
        return self._b1[name]

    def has_bits(self, name: str) -> bool:
        return name in self._b1

    def so_far(self, name: str) -> tuple[Graph, str]:
        """The integer graph with a tensor as integers: bits of which nothing has made int8 yet are unpacked in this copy alone."""
        if name not in self._b1 or name in self._own:
            place = self.integers(name)
            return self.graph, place
        made, graph = f"{name}/seen", self.graph.copy()
        graph.tensors[made] = Tensor(made, self.source.tensors[name].shape, "s8")
        graph.nodes.append(Node("unpack_s8", made, (self._b1[name],), (made,), {"plus": SIGN, "minus": -SIGN}))
        return graph, made

    def same(self, name: str) -> str:
        """A tensor that is no float: indices and the like, unchanged."""
        self.graph.tensors.setdefault(name, self.source.tensors[name])
        return name

    def output(self, name: str) -> str:
        """Declare a node's output as integers, in the quantization that it has in the form of the node."""
        self._own[name] = own = self.affine(name)
        self._integers[name, own] = self._activation(name, self.source.tensors[name].shape, own.dtype, own)
        return name

    def output_b1(self, name: str) -> str:
        """Declare the bits of a node's output."""
        self._b1[name] = self._activation(bits_name(name), self.source.tensors[name].shape, "b1", None)
        return self._b1[name]

    def alias(self, name: str, existing: str) -> None:
        """The output `name` has the bytes of the integer tensor `existing`."""
        self._own[name] = own = self.affine(name)
        self._integers[name, own] = existing

    def between(self, name: str, shape: tuple[int, ...], at: Affine) -> str:
        """A further activation of integers that the float graph does not have."""
        return self._activation(name, shape, at.dtype, at)

    def between_f32(self, name: str, shape: tuple[int, ...]) -> str:
        return self._activation(name, shape, "f32", None)

    def output_f32(self, name: str) -> str:
        self._f32[name] = self._activation(f"{name}/f32", self.source.tensors[name].shape, "f32", None)
        return self._f32[name]

    def add_constant(self, name: str, data: Array, dtype: str, quant: Quant | None = None) -> str:
        """Add a constant; another one of that name but other contents gets a number."""
        unique, number = name, 1
        while (found := self.graph.tensors.get(unique)) is not None or (number > 1 and unique in self.source.tensors):
            if found is not None and found.data is not None and found.dtype == dtype and np.array_equal(found.data, data):
                return unique
            number += 1
            unique = f"{name}.{number}"
        self.graph.tensors[unique] = Tensor(unique, data.shape, dtype, data, quant)
        return unique

    def emit(self, op: str, name: str, inputs: list[str], output: str, attrs: Attrs | None = None) -> None:
        self.graph.nodes.append(Node(op, name, tuple(inputs), (output,), attrs or {}))

    def compute(self, op: str, name: str, inputs: list[str], output: str, attrs: Attrs) -> None:
        """An operator in the form of the node at hand: op without the ending. That of int16 has no zero points."""
        named = f"{op}_{'s16' if self.wide else 's8'}"
        known = {f.name for f in lists.ops()[named].fields}
        assert self.wide or known == set(attrs), f"{name}: {named} has {sorted(attrs)}"
        self.emit(named, name, inputs, output, {key: value for key, value in attrs.items() if key in known})

    def emit_clamped(self, op: str, name: str, inputs: list[str], output: str, attrs: Attrs, at: Affine) -> None:
        """The same of one that clamps to its type and no further, and the clamp that an output of fewer levels needs behind it."""
        if at.levels in (LEVELS, WIDE_LEVELS):
            self.compute(op, name, inputs, output, attrs)
            return
        made = self.between(f"{output}/wide", self.graph.tensors[output].shape, Affine(at.scale, at.zero))
        self.compute(op, name, inputs, made, attrs)
        self.emit("clip_s8", f"{name}/clip", [made], output, at.ends())

    # Edges.

    def add_input(self, edge: Edge, as_float: bool) -> None:
        name, tensor = edge.tensor, self.source.tensors[edge.tensor]
        if tensor.dtype != "f32":
            place = self.same(name)
        elif as_float:
            place = self.output_f32(name)
        else:
            self.wide = name in self.made_wide
            place = self.output(name)
            self.wide = False
        self.graph.inputs.append(Edge(edge.name, place, edge.shape, edge.permutation, edge.dtype))

    def add_output(self, edge: Edge) -> None:
        name, tensor = edge.tensor, self.source.tensors[edge.tensor]
        if tensor.dtype != "f32":
            place = self.same(name)
        elif edge.dtype == "f32" and name in self._f32 and name not in self._own:
            place = self._f32[name]
        elif edge.dtype == "f32" and name in self._own:
            place = self._integers[name, self._own[name]]
        else:
            place = self.integers(name)
        self.graph.outputs.append(Edge(edge.name, place, edge.shape, edge.permutation, edge.dtype))

    # Conversions.

    def _quantize(self, name: str) -> None:
        own = self.affine(name)
        self.emit_clamped("quantize", f"{name}/quantize", [self._f32[name]], self.output(name), _scale(own), own)

    def _unpack(self, name: str) -> None:
        wide, self.wide = self.wide, False
        zero, y = self.affine(name).zero, self.output(name)
        self.wide = wide
        self.emit("unpack_s8", f"{name}/unpack", [self._b1[name]], y, {"plus": zero + SIGN, "minus": zero - SIGN})

    def _requantize(self, name: str, own: Affine, wanted: Affine) -> None:
        wide = "s16" in (own.dtype, wanted.dtype)
        factor = pair(own.scale / wanted.scale, own.reach, f"{name}: requantization", wide)
        ending = f"{wanted.scale:.9g},{'s16' if wanted.dtype == 's16' else wanted.zero}"
        made = self._activation(f"{name}/{ending}", self.source.tensors[name].shape, wanted.dtype, wanted)
        attrs = {"x_zero": own.zero, "y_zero": wanted.zero, **factor, **wanted.ends()}
        self.emit(f"requantize_{'s16' if wide else 's8'}", f"{made}/requantize", [self._integers[name, own]], made, attrs)
        self._integers[name, wanted] = made

    def _quantized_constant(self, tensor: Tensor, wanted: Affine) -> str:
        keep = _is_int8(tensor) and tensor.quant is not None and of(tensor.quant) == wanted
        data = np.asarray(tensor.data) if keep else wanted.quantize(tensor.real())
        return self.add_constant(tensor.name, data, wanted.dtype, wanted.quant())

    def _activation(self, name: str, shape: tuple[int, ...], dtype: str, at: Affine | None) -> str:
        assert name not in self.graph.tensors, f"{name} is made twice"
        self.graph.tensors[name] = Tensor(name, shape, dtype, None, at.quant() if at else None)
        return name


def bits_name(name: str) -> str:
    """How the bits of a tensor of signs are called."""
    return f"{name}/bits"


def pair(factor: float, bound: int, what: str, wide: bool = False) -> Attrs:
    """m and n of a factor; proves that an accumulator of at most `bound` survives the shift that factors >= 1/2 need. wide: a sum of 64
    bits, which needs none."""
    try:
        m, n = rounding.multiplier(factor, rounding.WIDE_N_MIN if wide else rounding.N_MIN)
    except ValueError as e:
        raise UnsupportedError(f"{what}: {e}", "calibrate with samples that reach the real range of this tensor") from None
    if not wide and n < 1 and bound << (1 - n) >= 1 << 31:
        raise UnsupportedError(
            f"{what}: the factor {factor:.6g} shifts sums of up to {bound} left by {1 - n}, beyond 2^31",
            "calibrate with samples that reach the real range of this tensor",
        )
    return {"m": m, "n": n}


def _scale(own: Affine) -> Attrs:
    """The attributes of quantize and dequantize."""
    return {"scale": own.scale} | ({} if own.dtype == "s16" else {"zero": own.zero})


def _is_int8(tensor: Tensor) -> bool:
    return tensor.data is not None and tensor.data.dtype == np.int8 and tensor.quant is not None and tensor.quant.scale.size == 1
