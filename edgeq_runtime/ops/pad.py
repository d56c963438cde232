"""More elements before and after each axis: x of any type. mode 0 constant (bits of value), 1 reflect, 2 edge, 3 wrap."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs

MODES = ("constant", "reflect", "edge", "wrap")


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, mode = inputs[0], MODES[attrs["mode"]]
    width = list(zip(attrs["before"], attrs["after"], strict=True))[: x.ndim]
    if mode != "constant":
        padded: Array = np.pad(x, width, mode=mode)  # type: ignore[call-overload]
        return padded
    bits = int(attrs["value"]) & 0xFFFFFFFF
    value = np.frombuffer(bits.to_bytes(4, "little"), x.dtype)[0]
    return np.pad(x, width, constant_values=value)
