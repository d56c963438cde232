"""The list of small networks, and numbers for them that do not depend on which were built before."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from tests.importers.tflite_writer import Net

CASES: dict[str, Callable[[Net], list[int]]] = {}
rng = np.random.default_rng(5)


def case(build: Callable[[Net], list[int]]) -> Callable[[Net], list[int]]:
    CASES[build.__name__] = build
    return build


def network(name: str) -> tuple[Net, bytes]:
    """The network of a case, with numbers that its name alone decides."""
    rng.bit_generator.state = np.random.default_rng(zlib.crc32(name.encode())).bit_generator.state
    net = Net()
    return net, net.data(*CASES[name](net))


def f32(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def i32(*values: int) -> np.ndarray:
    return np.asarray(values, np.int32)
