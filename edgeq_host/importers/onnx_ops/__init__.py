"""The rules of ONNX operators: one table, read by the importer, by `check` and by the page of operators."""

from __future__ import annotations

from collections.abc import Callable

from edgeq_host.importers.onnx_ops import activation, conv, elementwise, matmul, pad, pool, quantized, reduce, resize, shape
from edgeq_host.importers.onnx_ops.context import Op

Rule = Callable[[Op], None]

MICROSOFT = "com.microsoft"

RULES: dict[tuple[str, str], Rule] = {
    ("", "Conv"): conv.conv,
    ("", "ConvTranspose"): conv.conv_transpose,
    ("", "Gemm"): matmul.gemm,
    ("", "MatMul"): matmul.matmul,
    ("", "BatchNormalization"): activation.batch_norm,
    ("", "Add"): elementwise.binary("add_f32"),
    ("", "Sub"): elementwise.binary("sub_f32"),
    ("", "Mul"): elementwise.binary("mul_f32"),
    ("", "Div"): elementwise.binary("div_f32"),
    ("", "Pow"): elementwise.power,
    ("", "Min"): elementwise.variadic("min_f32"),
    ("", "Max"): elementwise.variadic("max_f32"),
    ("", "Sum"): elementwise.variadic("add_f32"),
    ("", "Mean"): elementwise.mean,
    ("", "Neg"): elementwise.negate,
    ("", "Abs"): elementwise.absolute,
    ("", "Reciprocal"): elementwise.reciprocal,
    ("", "Relu"): activation.relu,
    ("", "LeakyRelu"): activation.leaky_relu,
    ("", "PRelu"): activation.prelu,
    ("", "Clip"): activation.clip,
    ("", "Sigmoid"): activation.unary("sigmoid_f32"),
    ("", "Tanh"): activation.unary("tanh_f32"),
    ("", "HardSwish"): activation.unary("hard_swish_f32"),
    ("", "HardSigmoid"): activation.hard_sigmoid,
    ("", "Softmax"): activation.softmax,
    ("", "Cast"): activation.cast,
    ("", "Identity"): activation.identity,
    ("", "Dropout"): activation.dropout,
    ("", "Pad"): pad.pad,
    ("", "MaxPool"): pool.max_pool,
    ("", "AveragePool"): pool.average_pool,
    ("", "GlobalMaxPool"): pool.global_max,
    ("", "GlobalAveragePool"): pool.global_average,
    **{("", name): reduce.rule_for(kind) for name, kind in reduce.KINDS.items()},
    ("", "Reshape"): shape.reshape,
    ("", "Flatten"): shape.flatten,
    ("", "Squeeze"): shape.squeeze,
    ("", "Unsqueeze"): shape.unsqueeze,
    ("", "Expand"): shape.expand,
    ("", "Transpose"): shape.transpose,
    ("", "Concat"): shape.concat,
    ("", "Split"): shape.split,
    ("", "Slice"): shape.slice_,
    ("", "DepthToSpace"): shape.depth_to_space,
    ("", "SpaceToDepth"): shape.space_to_depth,
    ("", "Shape"): shape.shape_of,
    ("", "Size"): shape.size_of,
    ("", "Resize"): resize.resize,
    ("", "Upsample"): resize.upsample,
    ("", "QuantizeLinear"): quantized.quantize,
    ("", "DequantizeLinear"): quantized.dequantize,
    ("", "QLinearConv"): quantized.qlinear_conv,
    ("", "QLinearMatMul"): quantized.qlinear_matmul,
    (MICROSOFT, "QuantizeLinear"): quantized.quantize,
    (MICROSOFT, "DequantizeLinear"): quantized.dequantize,
    (MICROSOFT, "QGemm"): quantized.qgemm,
    (MICROSOFT, "QLinearAdd"): quantized.qlinear_binary("add_f32"),
    (MICROSOFT, "QLinearMul"): quantized.qlinear_binary("mul_f32"),
    (MICROSOFT, "QLinearSigmoid"): quantized.qlinear_unary("sigmoid_f32"),
    (MICROSOFT, "QLinearLeakyRelu"): quantized.qlinear_unary("leaky_relu_f32", ("alpha", 0.01)),
    (MICROSOFT, "QLinearGlobalAveragePool"): quantized.qlinear_global_average,
    (MICROSOFT, "QLinearSoftmax"): quantized.qlinear_softmax,
    (MICROSOFT, "QLinearConcat"): quantized.qlinear_concat,
}
