"""From an ONNX model to a graph of edgeq: walks the nodes once, folds what is constant, and applies the table of rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import onnx

from edgeq_host.graph import Graph
from edgeq_host.importers.common import Builder, ImportOptions, Problem, Refusal, Survey, fixed_hint, unsupported
from edgeq_host.importers.cuts import Cut, Step, best_cut, computes
from edgeq_host.importers.onnx_ops import RULES, Rule, fold, native_onnx
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.inputs import element_type, input_dtype, input_shape, open_error, open_inputs, overridden, stated_shape
from edgeq_host.importers.onnx_ops.source import Source, decode, read_source, reads
from edgeq_host.importers.onnx_ops.values import Act, Comparison, Const, Unknown, Value

_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError, MemoryError, AssertionError)


@dataclass
class Built:
    """`tainted`: names of values that depend on an operator that was refused. refused, computing: nodes by their place in the source."""

    source: Source
    builder: Builder
    values: dict[str, Value]
    problems: list[Problem] = field(default_factory=list)
    tainted: set[str] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    computing: set[int] = field(default_factory=set)


def import_model(model: onnx.ModelProto, path: str, options: ImportOptions) -> Graph:
    """The graph, not yet normalized; UnsupportedError names everything that stands in the way."""
    built = build(model, path, options)
    if built.problems:
        raise unsupported(path, built.problems)
    return built.builder.graph


def build(model: onnx.ModelProto, path: str, options: ImportOptions) -> Built:
    source = read_source(model, path, options)
    found = open_inputs(source)
    if found:
        raise open_error(source, found)
    return _walk(source)


def _walk(source: Source) -> Built:
    walk = _Walk(source)
    walk.inputs()
    for number, node in enumerate(source.nodes):
        walk.visit(node, number)
    walk.outputs()
    return walk.built


def survey(model: onnx.ModelProto, path: str, options: ImportOptions) -> Survey:
    """Everything that stands in the way, and the cut that leaves it out."""
    source = read_source(model, path, options)
    operators = dict(Counter(node.op_type for node in source.nodes).most_common())
    unfixed = open_inputs(source)
    if unfixed:
        problems = [Problem(o.name, "input", o.reason) for o in unfixed] + _of_other_types(source) + _without_rule(source)
        return Survey(tuple(problems), operators, None, shapes=tuple(o.flag for o in unfixed))
    built = _walk(source)
    if not built.problems:
        return Survey((), operators, built.builder.graph)
    return Survey(tuple(built.problems), operators, None, _cut(built, model, options))


def _of_other_types(source: Source) -> list[Problem]:
    found = []
    for name in source.inputs:
        try:
            input_dtype(source, name)
        except Refusal as refusal:
            found.append(Problem(name, "input", refusal.reason, refusal.hint))
    return found


def _without_rule(source: Source) -> list[Problem]:
    """Operators that no shape makes possible: those that are neither in the table nor computed on constants."""
    nodes = [n for n in source.nodes if not fold.foldable(n) and find_rule(n) is None]
    return [Problem(_name(n), n.op_type, _no_rule(n)) for n in nodes]


def _cut(built: Built, model: onnx.ModelProto, options: ImportOptions) -> Cut | None:
    source = built.source

    def read(cut: Cut) -> Graph | None:
        kept = build(model, source.path, options.at(cut))
        return None if kept.problems else kept.builder.graph

    return best_cut(_steps(built), source.inputs, source.outputs, read)


def _steps(built: Built) -> list[Step]:
    """Nodes that compute on activations; what is made of constants is at hand in every part."""
    source = built.source
    constant = {name for name, value in built.values.items() if isinstance(value, Const)} | set(source.initializers)
    bad_inputs = {p.node for p in built.problems if p.op == "input"}
    steps = []
    for number, node in enumerate(source.nodes):
        makes = tuple(n for n in node.output if n and n not in constant)
        read = tuple(n for n in reads(node) if n not in constant)
        if makes:
            steps.append(Step(read, makes, number in built.refused or not bad_inputs.isdisjoint(read), number in built.computing))
    return steps


class _Walk:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.built = Built(source, Builder(source.model.graph.name or "model"), {})
        self.values = self.built.values
        self.uses = source.uses()
        self.computed = {name for node in source.nodes for name in node.output}
        self._inferred: dict[str, Value] | None = None

    def inputs(self) -> None:
        for name in self.source.inputs:
            shape = input_shape(self.source, name)
            try:
                self.values[name] = Act(self.built.builder.input(name, shape, input_dtype(self.source, name)), shape)
            except Refusal as refusal:
                self.built.problems.append(Problem(name, "input", refusal.reason, refusal.hint))
                self.built.tainted.add(name)
                self.values[name] = Unknown()

    def visit(self, node: onnx.NodeProto, number: int) -> None:
        count, made = len(self.built.problems), len(self.built.builder.graph.nodes)
        self._visit(node)
        if len(self.built.problems) > count:
            self.built.refused.add(number)
        if computes(self.built.builder.graph, made):
            self.built.computing.add(number)

    def _visit(self, node: onnx.NodeProto) -> None:
        self._constants(node)
        unknown = [n for n in node.input if isinstance(self.values.get(n), Unknown)]
        if any(n in self.built.tainted for n in reads(node)):
            self.built.tainted |= {n for n in node.output if n}
        try:
            if unknown:
                self._rule(node)
                self._guess(node)
            else:
                self._apply(node)
        except Refusal as refusal:
            self._refuse(node, refusal.reason, refusal.hint)
        except _MALFORMED as error:
            self._refuse(node, f"cannot be read: {type(error).__name__}: {error}", "check the model with onnx.checker")

    def _constants(self, node: onnx.NodeProto) -> None:
        """Decode the initializers that this node reads: those that nothing reads stay bytes."""
        for name in node.input:
            if name and name not in self.values:
                self.values[name] = Const(decode(self.source, self.source.initializers[name]))

    def _apply(self, node: onnx.NodeProto) -> None:
        opset = self.source.opset(node.domain)
        constants = {n: v for n in node.input if n and isinstance(v := self.values[n], Const)}
        if fold.foldable(node) and all(n in constants for n in node.input if n):
            self.values |= zip(filter(None, node.output), fold.evaluate(node, opset, constants), strict=False)
            return
        rule = self._rule(node)
        rule(Op(node, opset, self.built.builder, self.values, self.uses))
        for name in node.output:
            if name and name not in self.values and self.uses[name]:
                raise Refusal(f"its output '{name}' cannot be computed")

    def _refuse(self, node: onnx.NodeProto, reason: str, hint: str) -> None:
        self.built.problems.append(Problem(_name(node), node.op_type, reason, hint or self._fixed(node)))
        self.built.tainted |= {n for n in node.output if n}
        self._guess(node)

    def _fixed(self, node: onnx.NodeProto) -> str:
        """An operator that edgeq has may be refused for a shape that the file does not have."""
        names = overridden(self.source) if find_rule(node) is not None else []
        return fixed_hint({name: stated_shape(self.source, name) or () for name in names})

    def _rule(self, node: onnx.NodeProto) -> Rule:
        rule = find_rule(node)
        if rule is None:
            raise Refusal(_no_rule(node))
        return rule

    def _guess(self, node: onnx.NodeProto) -> None:
        """Give the outputs shapes by ONNX's own inference, so that what follows can be checked too."""
        for name in filter(None, node.output):
            if isinstance(self.values.get(name), (Act, Const)):
                continue
            self.values[name] = self._infer().get(name, Unknown())

    def _infer(self) -> dict[str, Value]:
        if self._inferred is None:
            self._inferred = {n: self._placeholder(n, s) for n, s in inferred_shapes(self.source).items()}
        return self._inferred

    def _placeholder(self, name: str, shape: tuple[int, ...]) -> Value:
        try:
            return Act(self.built.builder.activation(f"{name}/unknown", shape), shape)
        except Refusal:
            return Unknown()

    def outputs(self) -> None:
        for name in self.source.outputs:
            self._constants(onnx.NodeProto(input=[name]))
            value = self.values.get(name, Unknown())
            if isinstance(value, Act):
                self.built.builder.output(name, value.tensor, value.integers or None)
            elif isinstance(value, Const) and name not in self.built.tainted:
                reason = f"is a constant of shape {list(value.shape)}: nothing computes it"
                self.built.problems.append(Problem(name, "output", reason, "name the other outputs with --outputs"))
                self.built.tainted.add(name)
            elif isinstance(value, Comparison):
                self.built.problems.append(Problem(name, "output", "is true or false", "turn it into numbers by Where or Cast"))
                self.built.tainted.add(name)


def _name(node: onnx.NodeProto) -> str:
    return node.name or (node.output[0] if node.output else "?")


def _domain(node: onnx.NodeProto) -> str:
    return "" if node.domain == "ai.onnx" else node.domain


def find_rule(node: onnx.NodeProto) -> Rule | None:
    return RULES.get((_domain(node), node.op_type))


def _no_rule(node: onnx.NodeProto) -> str:
    if fold.foldable(node):
        return "edgeq computes this on constants only, an input is computed at run time"
    return "edgeq has no such operator" + (f" of the domain '{node.domain}'" if _domain(node) else "")


def inferred_shapes(source: Source) -> dict[str, tuple[int, ...]]:
    """Shapes that ONNX's inference finds for float values, run once over a copy without the large weights."""
    light = onnx.ModelProto()
    light.CopyFrom(onnx.ModelProto(ir_version=source.model.ir_version, opset_import=source.model.opset_import))
    graph = source.model.graph
    light.graph.name = graph.name
    light.graph.node.extend(graph.node)
    light.graph.output.extend(graph.output)
    if overridden(source):
        for out in light.graph.output:
            out.type.tensor_type.ClearField("shape")
    for tensor in graph.initializer:
        if np.prod(tensor.dims, dtype=np.float64) <= 64:
            light.graph.initializer.append(tensor)
        else:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    for name in source.inputs:
        light.graph.input.append(onnx.helper.make_tensor_value_info(name, element_type(source, name), input_shape(source, name)))
    done = native_onnx.infer(light, data_prop=True)
    if done is None:
        return {}
    found = {}
    for info in (*done.graph.value_info, *done.graph.output):
        tensor = info.type.tensor_type
        dims = tensor.shape.dim
        if tensor.elem_type == onnx.TensorProto.FLOAT and tensor.HasField("shape") and all(d.dim_value > 0 for d in dims):
            found[info.name] = tuple(d.dim_value for d in dims)
    return found
