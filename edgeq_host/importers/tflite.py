"""TFLite files (float, hybrid, int8, uint8) to graphs: reading the file, cutting it, one rule per operator, edges."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from edgeq_host.errors import ModelError, UnsupportedError, UsageError
from edgeq_host.graph import Graph
from edgeq_host.importers.common import Builder, ImportOptions, Problem, Refusal, Survey, fixed_hint, given_shape, unsupported
from edgeq_host.importers.cuts import Cut, Step, best_cut, computes
from edgeq_host.importers.tflite_file import DAMAGE, FileModel, FileOperator, read_file
from edgeq_host.importers.tflite_ops.batch_space import fold_dilations
from edgeq_host.importers.tflite_ops.constants import activation_quant
from edgeq_host.importers.tflite_ops.context import EDGE_TYPES, Context, NotConstant
from edgeq_host.importers.tflite_ops.cut import cut
from edgeq_host.importers.tflite_ops.table import RULES, options_of

_STATE = "a network that keeps state inside is not supported: pass the state as an input and an output"
_HINTS = dict.fromkeys(("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"), _STATE)


def read(path: Path, options: ImportOptions) -> Graph:
    done = _import(path, read_file(path, options_of), options)
    if done.problems:
        raise unsupported(path, done.problems)
    return done.graph()


def survey(path: Path, options: ImportOptions) -> Survey:
    """Everything that stands in the way, and the cut that leaves it out."""
    model = read_file(path, options_of)
    done = _import(path, model, options)
    operators = dict(Counter(op.code for op in done.model.operators).most_common())
    if not done.problems:
        return Survey((), operators, done.graph())
    return Survey(tuple(done.problems), operators, None, _cut(done, path, model, options))


def _import(path: Path, model: FileModel, options: ImportOptions) -> _Import:
    done = _Import(fold_dilations(cut(model, options)), options)
    try:
        done.run()
    except UnsupportedError:
        raise
    except ModelError as error:
        raise ModelError(f"{path}: {error.message}", error.hint) from error
    return done


def _cut(done: _Import, path: Path, model: FileModel, options: ImportOptions) -> Cut | None:
    names = [[done.model.tensors[t].name for t in side] for side in (done.model.inputs, done.model.outputs)]

    def read(cut: Cut) -> Graph | None:
        again = _import(path, model, options.at(cut))
        return None if again.problems else again.graph()

    return best_cut(done.steps(), names[0], names[1], read)


class _Import:
    def __init__(self, model: FileModel, options: ImportOptions) -> None:
        self.model, self.options = model, options
        self.context = Context(model, Builder(model.name), {})
        self.problems: list[Problem] = []
        self.refused: set[int] = set()  # tensors that only what the file says about them stands for
        self.bad: set[int] = set()  # tensors that can be no edge
        self._steps: list[tuple[FileOperator, bool, bool]] = []  # with whether it was refused, and whether it computes

    def run(self) -> None:
        self._inputs()
        with np.errstate(all="ignore"):  # folding may divide by zero as the network would
            for op in self.model.operators:
                made = len(self.context.builder.graph.nodes)
                taken = self._operator(op)
                self._steps.append((op, not taken, computes(self.context.builder.graph, made)))
        self._outputs()

    def graph(self) -> Graph:
        """The finished graph, without the constants that nothing reads."""
        graph = self.context.builder.graph
        used = {t for n in graph.nodes for t in (*n.inputs, *n.outputs)} | {e.tensor for e in (*graph.inputs, *graph.outputs)}
        graph.tensors = {name: t for name, t in graph.tensors.items() if name in used}
        return graph

    def _inputs(self) -> None:
        names = {self.model.tensors[t].name for t in self.model.inputs}
        for name in self.options.shapes:
            if name not in names:
                raise UsageError(f"the model has no input named {name!r}", f"its inputs are {', '.join(sorted(names))}")
        for index in self.model.inputs:
            tensor = self.model.tensors[index]
            shape = tuple(max(d, 1) for d in tensor.shape)
            if tensor.name in self.options.shapes:
                shape = given_shape(tensor.name, self.options.shapes[tensor.name], tensor.shape)
            try:
                if tensor.type not in EDGE_TYPES:
                    raise Refusal(f"an input of type {tensor.type}; expected float32, int8, uint8 or int32", "convert with one of these")
                quant = activation_quant(tensor)
                self.context.held[index] = self.context.builder.input(tensor.name, shape, EDGE_TYPES[tensor.type], quant)
            except Refusal as refusal:
                self.problems.append(Problem(tensor.name, "input", refusal.reason, refusal.hint))
                self.bad.add(index)
                self._guess(index)

    def steps(self) -> list[Step]:
        """Operators that compute on activations; what is made of constants is at hand in every part."""
        name = [t.name for t in self.model.tensors]
        constant = {t for t, held in self.context.held.items() if self.context.builder.tensor(held).data is not None}
        constant |= {t for t, tensor in enumerate(self.model.tensors) if tensor.data is not None}
        steps = []
        for op, refused, counts in self._steps:
            reads, makes = ([t for t in side if t >= 0 and t not in constant] for side in (op.inputs, op.outputs))
            if makes or not op.outputs:
                refused = refused or not self.bad.isdisjoint((*reads, *makes))
                steps.append(Step(tuple(name[t] for t in reads), tuple(name[t] for t in makes), refused, counts))
        return steps

    def _operator(self, op: FileOperator) -> bool:
        """False where it is refused."""
        rule = RULES.get(op.code)
        try:
            if rule is None:
                raise Refusal("edgeq has no such operator", _HINTS.get(op.code, ""))
            if not op.outputs:
                raise ModelError("it has no output", DAMAGE)
            rule.run(self.context.at(op))
        except Refusal as refusal:
            if not (isinstance(refusal, NotConstant) and self.refused.intersection(op.inputs)):
                where = self.model.tensors[op.outputs[0]].name if op.outputs else "-"
                hint = refusal.hint or self._fixed()
                self.problems.append(Problem(where, f"operator {op.index} {op.code}", refusal.reason, hint))
            for index in op.outputs:
                self._guess(index)
            return False
        except ModelError as error:
            raise ModelError(f"operator {op.index} ({op.code}): {error.message}", error.hint) from error
        return True

    def _fixed(self) -> str:
        """Where --shape asks for another shape than the file's."""
        shapes = {t.name: t.shape for t in (self.model.tensors[i] for i in self.model.inputs) if t.name in self.options.shapes}
        return fixed_hint({name: shape for name, shape in shapes.items() if tuple(shape) != self.options.shapes[name]})

    def _guess(self, index: int) -> None:
        """Go on behind a refused operator, so that the rest is checked too."""
        tensor = self.model.tensors[index]
        self.refused.add(index)
        try:
            quant = activation_quant(tensor)
            kind = "f32" if quant else EDGE_TYPES.get(tensor.type, "s32")
            self.context.held[index] = self.context.builder.activation(tensor.name, [max(d, 1) for d in tensor.shape], kind, quant)
        except Refusal:
            self.context.held[index] = self.context.builder.activation(tensor.name, (1,))

    def _outputs(self) -> None:
        for index in self.model.outputs:
            source = self.model.tensors[index]
            try:
                tensor = self.context.tensor(index)
                if tensor.data is not None:
                    raise Refusal("an output that is a constant", "leave it out with --outputs")
                if source.type not in EDGE_TYPES:
                    raise Refusal(f"an output of type {source.type}; expected float32, int8, uint8 or int32", "convert with one of these")
                if tensor.dtype != EDGE_TYPES[source.type] and (tensor.quant is None or source.type == "INT32"):
                    raise Refusal(f"an output of type {source.type} without a scale is made of {tensor.dtype}", "convert the model again")
                self.context.builder.output(source.name, tensor.name, EDGE_TYPES[source.type])
            except Refusal as refusal:
                self.problems.append(Problem(source.name, "output", refusal.reason, refusal.hint))
                self.bad.add(index)
