"""Evaluation of nodes whose inputs are all constant, bounded in size before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from edgeq_host.graph import Array, Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import MAX_CONSTANT_ELEMENTS
from edgeq_host.importers.onnx_ops.values import Const

# no output has more elements than the inputs broadcast together, or in all
# fmt: off
BOUNDED = frozenset((
    "Abs", "Acos", "Add", "And", "ArgMax", "ArgMin", "BatchNormalization", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "Cast",
    "CastLike", "Ceil", "Clip", "Concat", "Cos", "CumSum", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Flatten", "Floor",
    "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log",
    "Max", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "ReduceL1",
    "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round",
    "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax", "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh",
    "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
))
# fmt: on
GROWING = frozenset(
    ("Constant", "ConstantOfShape", "EyeLike", "Expand", "Gather", "GatherElements", "Gemm", "MatMul", "OneHot", "Range", "Tile")
)
FOLDABLE = BOUNDED | GROWING
_MOVERS = frozenset(("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))


def foldable(node: onnx.NodeProto) -> bool:
    return node.domain in ("", "ai.onnx") and node.op_type in FOLDABLE


def evaluate(node: onnx.NodeProto, opset: int, inputs: dict[str, Const]) -> list[Const]:
    """The outputs of the node. What only moves elements keeps the integers of a quantized constant."""
    moved = inputs[node.input[0]] if node.op_type in _MOVERS and node.input else None
    kept = None if moved is None else _moved(node, opset, inputs, moved)
    return [kept] if kept else [Const(data) for data in _computed(node, opset, {name: c.real() for name, c in inputs.items()})]


def _moved(node: onnx.NodeProto, opset: int, inputs: dict[str, Const], x: Const) -> Const | None:
    """None where the constant is not quantized, or its scales lie along no axis afterwards."""
    if x.quant is None:
        return None
    rest = {name: c.real() for name, c in inputs.items()}
    data = _computed(node, opset, rest | {node.input[0]: x.data})[0]
    if x.quant.axis is None:
        return Const(data, x.quant)
    along = np.arange(x.quant.scale.size).reshape([-1 if a == x.quant.axis else 1 for a in range(x.data.ndim)])
    places = _computed(node, opset, rest | {node.input[0]: np.broadcast_to(along, x.shape).astype(np.int32)})[0]
    for axis, size in enumerate(places.shape):
        first = np.moveaxis(places, axis, 0).reshape(size, -1)[:, :1]
        if size > 1 and np.array_equal(np.moveaxis(places, axis, 0).reshape(size, -1), np.broadcast_to(first, (size, places.size // size))):
            order = first[:, 0]
            return Const(data, Quant(x.quant.scale[order], x.quant.zero[order], axis))
    return None


def _computed(node: onnx.NodeProto, opset: int, inputs: dict[str, Array]) -> list[Array]:
    size = _bound(node, [inputs[n] for n in node.input if n])
    if size > MAX_CONSTANT_ELEMENTS:
        raise Refusal(f"makes a constant of up to {size} elements, at most {MAX_CONSTANT_ELEMENTS} are possible")
    if node.op_type == "Constant":
        return [_constant(node)]
    made = onnx.helper.make_graph(
        [node],
        "fold",
        [onnx.helper.make_value_info(n, onnx.TypeProto()) for n in inputs],
        [onnx.helper.make_value_info(n, onnx.TypeProto()) for n in node.output if n],
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        found = ReferenceEvaluator(model).run(None, dict(inputs))
    return [np.asarray(f) for f in found]


def _constant(node: onnx.NodeProto) -> Array:
    """A Constant node holds a tensor or plain numbers."""
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return onnx.numpy_helper.to_array(value)
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if attribute.name not in kinds:
        raise Refusal(f"holds '{attribute.name}'", "only tensors and numbers are possible")
    return np.array(value, kinds[attribute.name])


def _bound(node: onnx.NodeProto, inputs: list[Array]) -> int:
    """At least as many elements as any output has."""
    kind = node.op_type
    total = sum(v.size for v in inputs)
    if kind in _GROWTH:
        return _GROWTH[kind](inputs)
    if kind in BOUNDED:
        return max(total * (8 if kind == "NonZero" else 1), _broadcast(inputs))
    return total


def _product(values: Array) -> int:
    """The product of dimensions or repeats as a node gives them."""
    return math.prod(max(int(v), 1) for v in values.reshape(-1)[:64])


def _range(inputs: list[Array]) -> int:
    start, limit, delta = (float(v.reshape(-1)[0]) for v in inputs)
    return math.ceil(abs((limit - start) / delta)) if delta else MAX_CONSTANT_ELEMENTS + 1


_GROWTH: dict[str, Callable[[list[Array]], int]] = {
    "ConstantOfShape": lambda v: _product(v[0]),
    "Expand": lambda v: v[0].size * _product(v[1]),
    "Tile": lambda v: v[0].size * _product(v[1]),
    "Range": _range,
    "OneHot": lambda v: v[0].size * _product(v[1]),
    "Gather": lambda v: v[1].size * (v[0].size // max(min(v[0].shape, default=1), 1)),
    "GatherElements": lambda v: v[1].size,
    "MatMul": lambda v: math.prod(v[0].shape[:-1]) * v[1].size,
    "Gemm": lambda v: v[0].size * v[1].size,
}


def _broadcast(inputs: list[Array]) -> int:
    """The size of all inputs broadcast together; 0 where they do not, since the operator then is no broadcasting one."""
    try:
        return math.prod(np.broadcast_shapes(*(v.shape for v in inputs)))
    except ValueError:
        return 0
