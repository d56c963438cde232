"""The graph of an ONNX file before any rule looks at it: initializers, shapes of inputs, and the part between the cuts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto

from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array
from edgeq_host.importers.common import ImportOptions, nearest
from edgeq_host.importers.onnx_ops import native_onnx

MAX_NODES = 200_000
_WEIGHT_ELEMENTS = 1 << 28
_DAMAGED = "the file may be damaged: export it again"


@dataclass
class Source:
    """`nodes`: what the outputs need, in the file's order. `inputs`, `outputs`: names of values."""

    path: str
    model: onnx.ModelProto
    options: ImportOptions
    initializers: dict[str, TensorProto]
    infos: dict[str, onnx.ValueInfoProto]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def opset(self, domain: str) -> int:
        return next((o.version for o in self.model.opset_import if o.domain in (domain, domain or "ai.onnx")), 1)

    def uses(self) -> Counter[str]:
        """How often every value is read, by nodes and as an output."""
        return Counter([name for node in self.nodes for name in node.input if name] + self.outputs)


def read_source(model: onnx.ModelProto, path: str, options: ImportOptions) -> Source:
    if model.functions:
        inlined = native_onnx.inline(model)
        if inlined is None:
            raise ModelError(f"{path} defines functions that cannot be written out", "check the model with onnx.checker")
        model = inlined
    graph = model.graph
    if not graph.node and not graph.output:
        raise ModelError(f"{path} holds no graph", "is it an ONNX model?")
    if len(graph.node) > MAX_NODES:
        raise ModelError(f"{path} has {len(graph.node)} nodes, at most {MAX_NODES} are possible", "cut it into parts")
    if not any(o.domain in ("", "ai.onnx") for o in model.opset_import):
        raise ModelError(f"{path} does not say which version of the ONNX operators it uses", "export it again")
    if graph.sparse_initializer:
        raise ModelError(f"{path} has sparse weights", "store them as dense tensors")
    infos = {v.name: v for v in (*graph.value_info, *graph.output, *graph.input)}
    source = Source(path, model, options, {t.name: t for t in graph.initializer}, infos)
    _check_opset(source)
    _check_order(source)
    _cut(source)
    unknown = [n for n in options.shapes if n not in (*source.inputs, *_own_inputs(source))]
    if unknown:
        raise UsageError(f"--shape {unknown[0]}: {path} has no such input", f"its inputs are {', '.join(source.inputs)}")
    if any(n not in infos and n not in options.shapes for n in source.inputs):
        infos.update(_inferred_infos(model))
    return source


def _inferred_infos(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    """What ONNX's own inference says about values inside, for a cut whose inputs the file does not describe."""
    done = native_onnx.infer(model)
    return {v.name: v for v in done.graph.value_info} if done else {}


def _check_opset(source: Source) -> None:
    version = source.opset("")
    newest = onnx.defs.onnx_opset_version()
    if not 7 <= version <= newest:
        raise ModelError(f"{source.path} uses opset {version}, 7 to {newest} are possible", "convert it with onnx.version_converter")


def _check_order(source: Source) -> None:
    """Every name is made once, and before it is read."""
    graph = source.model.graph
    ready = {""} | set(source.initializers) | {i.name for i in graph.input}
    made: set[str] = set()
    for node in graph.node:
        for name in node.input:
            if name not in ready:
                found = f"{source.path}: '{node.name or node.op_type}' reads '{name}', which nothing makes before it"
                raise ModelError(found, "nodes must stand in an order in which they can run, without a cycle: export the model again")
        for name in filter(None, node.output):
            if name in made or name in source.initializers:
                raise ModelError(f"{source.path}: '{name}' is made twice", _DAMAGED)
            made.add(name)
        ready |= set(node.output)
    for out in graph.output:
        if out.name not in ready:
            raise ModelError(f"{source.path}: the output '{out.name}' is never made", _DAMAGED)


def reads(node: onnx.NodeProto) -> list[str]:
    """Every value that a node reads; its branches and loop bodies also read values from outside without listing them as inputs."""
    found = [n for n in node.input if n]
    for graph in (g for a in node.attribute for g in ((a.g,) if a.HasField("g") else a.graphs)):
        made = {v for n in graph.node for v in n.output} | {v.name for v in (*graph.input, *graph.initializer)}
        inner = [name for n in graph.node for name in reads(n)] + [o.name for o in graph.output]
        found += [n for n in inner if n not in made]
    return list(dict.fromkeys(found))


def last_outputs(source: Source) -> str:
    """Where a graph is usually cut: its last nodes, as words of a hint."""
    names = [n.output[0] for n in source.model.graph.node if n.output and n.op_type != "Constant"]
    return f"the last tensors are {', '.join(names[-3:])}" if names else ""


def _own_inputs(source: Source) -> list[str]:
    return [i.name for i in source.model.graph.input if i.name not in source.initializers]


def _cut(source: Source) -> None:
    graph = source.model.graph
    source.outputs = _resolve(source, source.options.outputs, "outputs") or [o.name for o in graph.output]
    cut_inputs = _resolve(source, source.options.inputs, "inputs")
    stop = set(cut_inputs) | set(source.initializers)
    makers = {name: node for node in graph.node for name in node.output if name and name not in stop}
    needed: set[int] = set()
    read: set[str] = set()
    waiting = list(source.outputs)
    while waiting:
        name = waiting.pop()
        if name in read:
            continue
        read.add(name)
        if name in makers and id(makers[name]) not in needed:
            needed.add(id(makers[name]))
            waiting += reads(makers[name])
    source.nodes = [n for n in graph.node if id(n) in needed]
    own, whole = _own_inputs(source), not (cut_inputs or source.options.outputs)
    source.inputs = cut_inputs + [n for n in own if n not in cut_inputs and (n in read or whole)]
    given = [n for n in source.outputs if n in source.inputs]
    if given and source.options.outputs:
        raise UsageError(f"--outputs {','.join(given)}: that is an input of {source.path}, which nothing computes", last_outputs(source))
    unread = [n for n in cut_inputs if n not in read]
    if unread:
        raise UsageError(
            f"--inputs {','.join(unread)}: the outputs {','.join(source.outputs)} do not depend on it",
            "leave it out, or name other outputs",
        )


def _resolve(source: Source, names: Sequence[str], flag: str) -> list[str]:
    """Names of values for names of values or nodes: of a node its outputs, or as an input what it computes from."""
    nodes = {n.name: n for n in source.model.graph.node if n.name}
    values = {v for n in source.model.graph.node for v in (*n.input, *n.output)} | set(source.infos)
    found: list[str] = []
    for name in names:
        if name in values and name:
            found.append(name)
        elif name in nodes:
            node = nodes[name]
            picked = [v for v in node.input if v not in source.initializers] if flag == "inputs" else node.output
            found += [v for v in picked if v]
        else:
            hint = "; ".join(filter(None, [nearest(name, [*nodes, *values]), last_outputs(source)]))
            raise UsageError(f"--{flag} {name}: {source.path} has no node and no tensor of that name", hint)
    return list(dict.fromkeys(found))


def decode(source: Source, tensor: TensorProto) -> Array:
    """The array of an initializer. Data outside of the file is never read: its path could point anywhere."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(
            f"{source.path}: the weights '{tensor.name}' lie in another file, which edgeq does not read",
            "save the model as one file: onnx.save_model(onnx.load(PATH), NEW_PATH, save_as_external_data=False)",
        )
    if any(d < 0 for d in tensor.dims) or math.prod(tensor.dims) > _WEIGHT_ELEMENTS:
        raise ModelError(f"{source.path}: the weights '{tensor.name}' have the shape {list(tensor.dims)}", _DAMAGED)
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError, NotImplementedError) as error:
        raise ModelError(f"{source.path}: the weights '{tensor.name}' cannot be read: {error}", _DAMAGED) from None
