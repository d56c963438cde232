"""Small ONNX networks for the tests, built by hand and seeded, and onnxruntime as their witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from edgeq_host.graph import Array


class Net:
    """Collects nodes and initializers; `model` closes it."""

    def __init__(self, seed: int, opset: int = 13) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self._count = 0

    def weight(self, *shape: int, scale: float = 0.0, low: float | None = None) -> str:
        data = self.rng.normal(0, scale or 1 / np.sqrt(max(1, np.prod(shape[1:]))), shape).astype(np.float32)
        return self.const(np.abs(data) + np.float32(low) if low is not None else data)

    def const(self, data: Any) -> str:
        name = f"c{len(self.weights)}"
        self.weights.append(onnx.numpy_helper.from_array(np.asarray(data), name))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, **attrs: Any) -> Any:
        self._count += 1
        names = [f"t{self._count}" if outputs == 1 else f"t{self._count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"{op}_{self._count}", domain=domain, **attrs))
        return names[0] if outputs == 1 else names

    def conv(self, x: str, channels: int, outputs: int, kernel: int, group: int = 1, bias: bool = True, **attrs: Any) -> str:
        inputs = [x, self.weight(outputs, channels // group, kernel, kernel)] + ([self.weight(outputs, scale=0.3)] if bias else [])
        return str(self.add("Conv", *inputs, group=group, kernel_shape=[kernel, kernel], **attrs))

    def batch_norm(self, x: str, channels: int) -> str:
        parts = [self.weight(channels, scale=0.3, low=0.5), self.weight(channels, scale=0.5), self.weight(channels, scale=0.5)]
        return str(self.add("BatchNormalization", x, *parts, self.weight(channels, scale=0.3, low=0.5)))

    def model(self, inputs: dict[str, Any], outputs: dict[str, Any], types: dict[str, int] | None = None) -> onnx.ModelProto:
        """inputs, outputs: name to shape (None where it is not known)."""
        kind = types or {}
        described = [[helper.make_tensor_value_info(n, kind.get(n, 1), s) for n, s in e.items()] for e in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, "net", *described, self.weights)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def witness(model: onnx.ModelProto, inputs: dict[str, Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(v) for v in session.run(None, inputs)]


def residual_net(seed: int, batch_norm: bool = True) -> onnx.ModelProto:
    """Convolutions, a depthwise one, a batch norm, a residual, a concatenation, pools and a dense layer: [1, 3, 16, 16] to [1, 5]."""
    net = Net(seed)
    x = net.conv("x", 3, 8, 3, pads=[1, 1, 1, 1])
    x = net.add("Relu", net.batch_norm(x, 8) if batch_norm else x)
    side = net.add("Relu", net.conv(x, 8, 8, 3, group=8, pads=[1, 1, 1, 1]))
    y = net.add("Add", net.conv(side, 8, 8, 1), x)
    y = net.add("MaxPool", net.add("Relu", y), kernel_shape=[2, 2], strides=[2, 2])
    y = net.add("Concat", y, net.conv(y, 8, 4, 3, pads=[1, 1, 1, 1]), axis=1)
    y = net.add("GlobalAveragePool", net.add("Relu", y))
    y = net.add("Gemm", net.add("Flatten", y), net.weight(5, 12), net.weight(5, scale=0.2), transB=1)
    return net.model({"x": [1, 3, 16, 16]}, {y: [1, 5]})


def quantized(model: onnx.ModelProto, folder: Path, inputs: list[dict[str, Array]], **options: Any) -> onnx.ModelProto:
    """The model through onnxruntime's static quantizer."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(inputs)

        def get_next(self) -> dict[str, Array] | None:
            return next(self.left, None)

    source, target = folder / "float.onnx", folder / "int8.onnx"
    onnx.save(model, source)
    quantize_static(str(source), str(target), Reader(), **options)
    return onnx.load(target)
