"""a to the power b: a, b f32, broadcast; y f32."""

from __future__ import annotations

from edgeq_runtime.fmath import pow as power
from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return power(inputs[0], inputs[1])
