"""A recipe's normalisation, put at the front of the graph so that raw data is a legal input.

raw * a + b with a = scale / std, b = -mean / std, per channel. A uint8 image: a and b fold into the layer that reads it.
Where that layer pads, its zeros mean the raw value v = -b / a: one v for all channels becomes the zero point of the input,
different ones an explicit border. A float vector: one a for all folds too; else it is computed in float before quantization,
since one int8 scale cannot hold features of different ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array, Edge, Graph, Node, Quant, Tensor

if TYPE_CHECKING:
    from edgeq_host.recipe import Input, Recipe

Float64 = NDArray[np.float64]
_LAYERS = ("conv2d_f32", "depthwise_conv2d_f32", "fully_connected_f32")
_PADS = ("pad_top", "pad_bottom", "pad_left", "pad_right")
FLOAT = "/float"  # ending of the names of vectors that are normalised in float
_BYTE = Quant(np.array([1.0]), np.array([-128], np.int64))  # a uint8 u lies as q = u - 128


@dataclass(frozen=True)
class _Normal:
    """Per channel of the model, in the model's order."""

    a: Float64
    b: Float64

    @property
    def pad(self) -> Float64:
        """The raw value that the model sees as 0."""
        return -self.b / self.a


def prepare(graph: Graph, recipe: Recipe) -> Graph:
    """The float graph that takes what the recipe's inputs describe. A graph that was prepared before is returned as it is."""
    graph = graph.copy()
    if recipe.labels:
        _check_labels(graph, recipe.labels)
        graph.labels = recipe.labels
    for position, item in enumerate(recipe.input):
        index = _edge_index(graph, item, position)
        if not graph.inputs[index].tensor.endswith(("/raw", FLOAT)):
            _prepare_input(graph, index, item)
    return graph


def _check_labels(graph: Graph, labels: tuple[str, ...]) -> None:
    """One output with one number per class, as classifiers have it; of other outputs nothing is known."""
    shapes = [e.shape for e in graph.outputs]
    if len(shapes) == 1 and len(shapes[0]) <= 2 and shapes[0][-1:] not in ((), (1,), (len(labels),)):
        found = f"the recipe has {len(labels)} labels, the output {graph.outputs[0].name} has {shapes[0][-1]} classes"
        raise UsageError(found, "name every class in labels, in the order of the output")


def input_for(graph: Graph, recipe: Recipe, index: int) -> Input | None:
    """The recipe's description of a graph's input."""
    found = (item for position, item in enumerate(recipe.input) if _edge_index(graph, item, position) == index)
    return next(found, None)


def _edge_index(graph: Graph, item: Input, position: int) -> int:
    names = [e.name for e in graph.inputs]
    if item.name:
        if item.name not in names:
            raise UsageError(f"[[input]] name = {item.name!r}: the model has no such input", f"its inputs: {', '.join(names)}")
        return names.index(item.name)
    if position >= len(names):
        raise UsageError(f"the recipe describes {position + 1} inputs, the model has {len(names)}", f"its inputs: {', '.join(names)}")
    return position


def _prepare_input(graph: Graph, index: int, item: Input) -> None:
    edge = graph.inputs[index]
    tensor = graph.tensors[edge.tensor]
    if tensor.dtype != "f32" or edge.dtype != "f32" or tensor.quant is not None:
        raise ModelError(f"input {edge.name} is {edge.dtype} and quantized by its source", "remove its [[input]] from the recipe")
    image = item.kind == "image"
    if image and (len(tensor.shape) != 4 or tensor.shape[3] not in (1, 3)):
        raise ModelError(f"input {edge.name} has shape {list(edge.shape)}: an image has 1 or 3 channels", "use kind = 'vector'")
    if image and item.size and tuple(item.size) != tensor.shape[1:3]:
        found = f"[[input]] size = {list(item.size)}, but input {edge.name} is {list(tensor.shape[1:3])}"
        raise ModelError(found, "change size in the recipe")
    normal = _normal(item, tensor.shape[-1], edge.name)
    if image and ((item.channels == "BGR" and tensor.shape[-1] != 3) or (item.channels == "gray" and tensor.shape[-1] != 1)):
        raise ModelError(f"channels = {item.channels!r}, but input {edge.name} has {tensor.shape[-1]} channels", "change it in the recipe")
    ending = "/raw" if image or _uniform(normal.a) else FLOAT
    raw = Tensor(f"{tensor.name}{ending}", tensor.shape, "f32", None, _BYTE if image else None)
    graph.tensors[raw.name] = raw
    if image:
        graph.inputs[index] = Edge(edge.name, raw.name, raw.shape, (0, 1, 2, 3), "u8")
    else:
        graph.inputs[index] = replace(edge, tensor=raw.name)
    _insert(graph, raw, tensor, normal, image and item.channels == "BGR")


def _normal(item: Input, channels: int, name: str) -> _Normal:
    for key, values in (("mean", item.mean), ("std", item.std)):
        if len(values) not in (1, channels):
            raise UsageError(
                f"[[input]] {key} has {len(values)} numbers, input {name} has {channels} channels",
                "give one number" + (f", or {channels}" if channels > 1 else ""),
            )
    mean, std = (np.broadcast_to(np.array(v, np.float64), (channels,)) for v in (item.mean, item.std))
    return _Normal(item.scale / std, -mean / std)


def keeps_float(name: str) -> bool:
    """An activation that normalises a vector in float."""
    return name.endswith((FLOAT, f"{FLOAT}/scaled"))


def _insert(graph: Graph, raw: Tensor, old: Tensor, normal: _Normal, flip: bool) -> None:
    """Rewire the readers of `old` to `raw`."""
    readers = graph.consumers(old.name)
    if len(readers) != 1 or raw.name.endswith(FLOAT) or not _foldable(graph, readers[0], old.name, normal, flip):
        _explicit(graph, raw, old, normal, flip)
        return
    layer = readers[0]
    pads = tuple(layer.attrs.get(key, 0) for key in _PADS)
    source = raw
    if any(pads) and np.any(normal.b):
        if _uniform(normal.pad):
            whole = round(float(normal.pad[0]))
            source = _centred(graph, raw, whole)
            normal = _Normal(normal.a, normal.b + normal.a * whole)
        else:
            source = _bordered(graph, raw, normal.pad, pads, flip)
            layer = replace(layer, attrs=layer.attrs | dict.fromkeys(_PADS, 0))
    _fold(graph, layer, old.name, source.name, normal, flip)
    del graph.tensors[old.name]


def _uniform(values: Float64) -> bool:
    return bool(np.allclose(values, values[0], rtol=1e-6, atol=0))


def _foldable(graph: Graph, layer: Node, name: str, normal: _Normal, flip: bool) -> bool:
    """A layer with constant weights, one group, and padding that a byte can say."""
    if layer.op not in _LAYERS or layer.inputs[0] != name or layer.attrs.get("groups", 1) != 1 or (flip and layer.op != "conv2d_f32"):
        return False
    byte = bool(np.all((normal.pad > -0.5) & (normal.pad < 255.5)))
    return all(graph.tensors[i].data is not None for i in layer.inputs[1:]) and (byte or not any(layer.attrs.get(p, 0) for p in _PADS))


def _fold(graph: Graph, layer: Node, old: str, source: str, normal: _Normal, flip: bool) -> None:
    """w' = w a and bias' = bias + sum w b, in float64; flip: the source has its channels the other way round."""
    weight, bias = (graph.tensors[i] for i in layer.inputs[1:])
    w = weight.real().astype(np.float64)
    a, b = normal.a, normal.b
    if layer.op == "depthwise_conv2d_f32":
        a, b = (np.repeat(v, w.shape[-1] // v.size) for v in (a, b))
        added = (w * b).sum(axis=(0, 1))
    else:
        added = (w * b).reshape(w.shape[0], -1).sum(axis=1)
    scaled = w * a
    if flip:
        scaled = scaled[..., ::-1]
    data = {f"{weight.name}/raw": scaled, f"{bias.name}/raw": bias.real().astype(np.float64) + added}
    for name, values in data.items():
        graph.tensors[name] = Tensor(name, values.shape, "f32", np.ascontiguousarray(values, np.float32))
    changed = replace(layer, inputs=(source, *data))
    graph.nodes = [changed if old in n.inputs and n.name == layer.name else n for n in graph.nodes]


def _centred(graph: Graph, raw: Tensor, pad: int) -> Tensor:
    """raw - v, v a whole number: in int8 the same bytes under another zero point, which is what padded taps count as.

    The rest of the mean goes into the bias, so only padded taps are off, by at most half a step of the raw image.
    """
    made = Tensor(f"{raw.name}/centred", raw.shape, "f32", None, Quant(np.array([1.0]), np.array([pad - 128], np.int64)))
    offset = _constant(graph, f"{raw.name}/pad", np.array([pad], np.float32))
    _prepend(graph, "sub_f32", made, (raw.name, offset), {"lo": -np.inf, "hi": np.inf})
    return made


def _bordered(graph: Graph, raw: Tensor, pad: Float64, pads: tuple[int, ...], flip: bool) -> Tensor:
    """The image within a border of the raw value that the model sees as 0, per channel, so that the layer pads nothing."""
    top, bottom, left, right = pads
    n, h, w, c = raw.shape
    value = pad[::-1] if flip else pad

    def border(name: str, rows: int, cols: int) -> str:
        return _constant(graph, f"{raw.name}/{name}", np.broadcast_to(value, (n, rows, cols, c)).astype(np.float32))

    wide = replace(raw, name=f"{raw.name}/wide", shape=(n, h, w + left + right, c), quant=_BYTE)
    tall = replace(raw, name=f"{raw.name}/bordered", shape=(n, h + top + bottom, w + left + right, c), quant=_BYTE)
    across = [border("left", h, left)] * bool(left) + [raw.name] + [border("right", h, right)] * bool(right)
    down = [border("top", top, wide.shape[2])] * bool(top) + [wide.name] + [border("bottom", bottom, wide.shape[2])] * bool(bottom)
    _prepend(graph, "concat", tall, tuple(down), {"axis": 1})
    _prepend(graph, "concat", wide, tuple(across), {"axis": 2})
    return tall


def _explicit(graph: Graph, raw: Tensor, old: Tensor, normal: _Normal, flip: bool) -> None:
    """raw * a + b as two operators: what reads the input is no single layer that could take them."""
    scaled = Tensor(f"{raw.name}/scaled", raw.shape, "f32")
    a, b = (_constant(graph, f"{raw.name}/{n}", v.astype(np.float32)) for n, v in (("a", normal.a), ("b", normal.b)))
    if flip:
        turned = Tensor(f"{raw.name}/turned", raw.shape, "f32", None, raw.quant)
    _prepend(graph, "add_f32", old, (scaled.name, b), {"lo": -np.inf, "hi": np.inf})
    _prepend(graph, "mul_f32", scaled, (turned.name if flip else raw.name, a), {"lo": -np.inf, "hi": np.inf})
    if flip:
        begin, step = [0, 0, 0, raw.shape[3] - 1, 0, 0], [1, 1, 1, -1, 1, 1]
        _prepend(graph, "slice", turned, (raw.name,), {"begin": begin, "step": step})


def _constant(graph: Graph, name: str, data: Array) -> str:
    graph.tensors[name] = Tensor(name, data.shape, "f32", data)
    return name


def _prepend(graph: Graph, op: str, made: Tensor, inputs: tuple[str, ...], attrs: dict[str, object]) -> None:
    graph.tensors[made.name] = made
    graph.nodes.insert(0, Node(op, f"{made.name}/{op}", inputs, (made.name,), attrs))
