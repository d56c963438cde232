"""sigmoid of every element: x f32; y f32."""

from __future__ import annotations

from edgeq_runtime.fmath import sigmoid
from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return sigmoid(inputs[0])
