"""Average pooling: at equal quantization without multipliers, else with one per number of taps."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build


def apply(build: Build, node: Node) -> None:
    x, y = build.affine(node.inputs[0]), build.affine(node.outputs[0])
    attrs = {key: value for key, value in node.attrs.items() if key not in ("lo", "hi")}
    attrs |= {"x_zero": x.zero, "y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
    inputs = [node.inputs[0]]
    if x != y:
        counts = range(1, attrs["kernel_h"] * attrs["kernel_w"] + 1)
        pairs = [build.pair(x.scale / y.scale / count, x.reach * count, node.name) for count in counts]
        m, n = np.array([p["m"] for p in pairs], "<i4"), np.array([p["n"] for p in pairs], np.int8)
        inputs.append(build.add_constant(f"{node.name}/rq", np.frombuffer(m.tobytes() + n.tobytes(), np.uint8), "u8"))
    inputs[0] = build.integers(node.inputs[0])
    build.compute("avg_pool2d", node.name, inputs, build.output(node.outputs[0]), attrs)
