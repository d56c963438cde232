"""Seeded random networks in ONNX's layout: what the passes rewrite, in orders that nobody would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from tests.importers.onnx_nets import Net


@dataclass(frozen=True)
class Value:
    name: str
    shape: tuple[int, ...]


Step = Callable[[Net, Value, list[Value]], "Value | None"]


def _image(x: Value) -> bool:
    return len(x.shape) == 4 and min(x.shape[2:]) >= 2


def _conv(net: Net, x: Value, all_: list[Value]) -> Value | None:
    if not _image(x):
        return None
    c, out = x.shape[1], int(net.rng.choice([2, 3, 4]))
    group = c if net.rng.random() < 0.3 else 1
    out = out if group == 1 else c
    return Value(net.conv(x.name, c, out, 3, group=group, pads=[1, 1, 1, 1]), (x.shape[0], out, *x.shape[2:]))


def _unary(net: Net, x: Value, all_: list[Value]) -> Value:
    op = str(net.rng.choice(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Identity"]))
    return Value(net.add(op, x.name), x.shape)


def _binary(net: Net, x: Value, all_: list[Value]) -> Value:
    op = str(net.rng.choice(["Add", "Sub", "Mul", "Max", "Min"]))
    twins = [v.name for v in all_ if v.shape == x.shape]
    if net.rng.random() < 0.5:
        other = str(net.rng.choice(twins))
    else:
        dims = [d if net.rng.random() < 0.5 else 1 for d in x.shape][int(net.rng.integers(0, len(x.shape))) :]
        other = net.const(net.rng.normal(0, 1, dims).astype(np.float32))
    pair = [x.name, other] if net.rng.random() < 0.7 else [other, x.name]
    return Value(net.add(op, *pair), x.shape)


def _batch_norm(net: Net, x: Value, all_: list[Value]) -> Value | None:
    return Value(net.batch_norm(x.name, x.shape[1]), x.shape) if len(x.shape) >= 2 else None


def _transpose(net: Net, x: Value, all_: list[Value]) -> Value:
    perm = [int(p) for p in net.rng.permutation(len(x.shape))]
    return Value(net.add("Transpose", x.name, perm=perm), tuple(x.shape[p] for p in perm))


def _reshape(net: Net, x: Value, all_: list[Value]) -> Value:
    """Join or split neighbouring dimensions, or put a 1 somewhere."""
    dims = list(x.shape)
    at = int(net.rng.integers(0, len(dims)))
    kind = net.rng.random()
    if kind < 0.4 and at + 1 < len(dims):
        dims[at : at + 2] = [dims[at] * dims[at + 1]]
    elif kind < 0.7 and dims[at] % 2 == 0 and len(dims) < 5:
        dims[at : at + 1] = [2, dims[at] // 2]
    elif len(dims) < 5:
        dims.insert(at, 1)
    return Value(net.add("Reshape", x.name, net.const(np.array(dims))), tuple(dims))


def _pool(net: Net, x: Value, all_: list[Value]) -> Value | None:
    if not _image(x):
        return None
    op = str(net.rng.choice(["MaxPool", "AveragePool"]))
    return Value(net.add(op, x.name, kernel_shape=[2, 2]), (*x.shape[:2], x.shape[2] - 1, x.shape[3] - 1))


def _pad(net: Net, x: Value, all_: list[Value]) -> Value:
    before, after = ([int(v) for v in net.rng.integers(0, 2, len(x.shape))] for _ in range(2))
    if len(x.shape) == 4 and net.rng.random() < 0.7:
        before[0] = before[1] = after[0] = after[1] = 0
    dims = tuple(d + b + a for d, b, a in zip(x.shape, before, after, strict=True))
    return Value(net.add("Pad", x.name, net.const(np.array(before + after))), dims)


def _slice(net: Net, x: Value, all_: list[Value]) -> Value | None:
    axes = [i for i, d in enumerate(x.shape) if d > 1]
    if not axes:
        return None
    axis = int(net.rng.choice(axes))
    parts = [net.const(np.array([v])) for v in (1, x.shape[axis], axis, 1)]
    dims = list(x.shape)
    dims[axis] -= 1
    return Value(net.add("Slice", x.name, *parts), tuple(dims))


def _concat(net: Net, x: Value, all_: list[Value]) -> Value:
    axis = int(net.rng.integers(0, len(x.shape)))
    twins = [v.name for v in all_ if v.shape == x.shape]
    dims = list(x.shape)
    dims[axis] *= 2
    return Value(net.add("Concat", x.name, str(net.rng.choice(twins)), axis=axis), tuple(dims))


def _reduce(net: Net, x: Value, all_: list[Value]) -> Value:
    axis, keep = int(net.rng.integers(0, len(x.shape))), bool(net.rng.integers(0, 2)) or len(x.shape) == 1
    dims = [1 if i == axis else d for i, d in enumerate(x.shape) if keep or i != axis]
    return Value(net.add("ReduceMean", x.name, axes=[axis], keepdims=int(keep)), tuple(dims))


def _softmax(net: Net, x: Value, all_: list[Value]) -> Value:
    return Value(net.add("Softmax", x.name, axis=int(net.rng.integers(0, len(x.shape)))), x.shape)


def _dense(net: Net, x: Value, all_: list[Value]) -> Value:
    out = int(net.rng.choice([4, 6]))
    return Value(net.add("MatMul", x.name, net.weight(x.shape[-1], out)), (*x.shape[:-1], out))


def _resize(net: Net, x: Value, all_: list[Value]) -> Value | None:
    if not _image(x) or max(x.shape) > 12:
        return None
    mode = str(net.rng.choice(["nearest", "linear"]))
    y = net.add("Resize", x.name, "", net.const(np.array([1, 1, 2, 2], np.float32)), mode=mode)
    return Value(y, (*x.shape[:2], x.shape[2] * 2, x.shape[3] * 2))


def _quantize(net: Net, x: Value, all_: list[Value]) -> Value:
    pair = (net.const(np.float32(2.0 ** -int(net.rng.integers(3, 6)))), net.const(np.int8(net.rng.integers(-9, 9))))
    return Value(net.add("DequantizeLinear", net.add("QuantizeLinear", x.name, *pair), *pair), x.shape)


FLOAT: tuple[Step, ...] = (
    *(_conv, _unary, _binary, _batch_norm, _transpose, _reshape, _pool, _pad, _slice, _concat, _reduce, _softmax, _dense, _resize),
    *(_conv, _unary, _binary),
)
QUANTIZED: tuple[Step, ...] = (*FLOAT, _quantize, _quantize, _quantize)


def random_net(seed: int, steps: tuple[Step, ...], length: int) -> onnx.ModelProto:
    net = Net(seed, opset=14)
    values = [Value("x", (1, 4, 4, 6))]
    for _ in range(length):
        x = values[-1] if net.rng.random() < 0.8 else values[int(net.rng.integers(0, len(values)))]
        made = steps[int(net.rng.integers(0, len(steps)))](net, x, values)
        if made is not None and np.prod(made.shape) <= 4096:
            values.append(made)
    read = {name for node in net.nodes for name in node.input}
    ends = [v for v in values[1:] if v.name not in read][-2:] or values[-1:]
    return net.model({"x": list(values[0].shape)}, {v.name: list(v.shape) for v in ends})
