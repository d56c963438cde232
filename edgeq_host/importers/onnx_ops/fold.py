"""Evaluation of nodes whose inputs are all constant, bounded in size before anything is computed."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from edgeq_host.graph import Array
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import MAX_CONSTANT_ELEMENTS

_SAME = "Abs Acos And BitShift BitwiseAnd BitwiseNot BitwiseOr Cast CastLike Ceil Clip Cos Div Dropout Elu Equal Erf Exp Flatten Floor Greater "
_SAME += "GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow PRelu "
_SAME += "Reciprocal Relu Reshape Round Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze Where Xor "
_SAME += "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare ArgMax ArgMin CumSum Add Concat Trilu "
_SAME += "Size Shape QuantizeLinear BatchNormalization NonZero"
BROADCAST = frozenset(_SAME.split())
SPECIAL = frozenset(("Constant", "ConstantOfShape", "Expand", "Gather", "GatherElements", "MatMul", "Gemm", "Range", "Tile", "OneHot", "EyeLike"))
FOLDABLE = BROADCAST | SPECIAL


def foldable(node: onnx.NodeProto) -> bool:
    return node.domain in ("", "ai.onnx") and node.op_type in FOLDABLE


def evaluate(node: onnx.NodeProto, opset: int, inputs: dict[str, Array]) -> list[Array]:
    """The outputs of the node."""
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
    if node.op_type in ("ConstantOfShape", "Expand"):
        wanted = math.prod(max(int(v), 1) for v in inputs[-1].reshape(-1)[:64])
        return wanted * (inputs[0].size if node.op_type == "Expand" else 1)
    if node.op_type == "Tile":
        return inputs[0].size * math.prod(max(int(v), 1) for v in inputs[1].reshape(-1)[:64])
    if node.op_type == "Range":
        start, limit, delta = (float(v.reshape(-1)[0]) for v in inputs)
        return math.ceil(abs((limit - start) / delta)) if delta else MAX_CONSTANT_ELEMENTS + 1
    if node.op_type == "OneHot":
        return inputs[0].size * max(int(inputs[1].reshape(-1)[0]), 1)
    if node.op_type in ("Gather", "GatherElements", "MatMul", "Gemm", "Where", "Concat", "Sum", "NonZero"):
        return _product_bound(node.op_type, inputs)
    if len(inputs) == 2 and inputs[0].shape and inputs[1].shape and node.op_type not in ("Reshape", "Split", "Squeeze", "Unsqueeze"):
        return _broadcast_bound(inputs)
    return sum(v.size for v in inputs)


def _product_bound(kind: str, inputs: list[Array]) -> int:
    if kind in ("Concat", "Sum", "NonZero"):
        return sum(v.size for v in inputs) * (8 if kind == "NonZero" else 1) if kind != "Sum" else _broadcast_bound(inputs)
    if kind == "Where":
        return _broadcast_bound(inputs)
    if kind == "GatherElements":
        return inputs[1].size
    rows = inputs[0].shape
    return inputs[1].size * (inputs[0].size // max(min(rows, default=1), 1)) if kind == "Gather" else math.prod(rows[:-1]) * max(inputs[1].size, 1)


def _broadcast_bound(inputs: list[Array]) -> int:
    try:
        return math.prod(np.broadcast_shapes(*(v.shape for v in inputs)))
    except ValueError:  # not a broadcast operator: its outputs are no larger than its inputs
        return sum(v.size for v in inputs)
