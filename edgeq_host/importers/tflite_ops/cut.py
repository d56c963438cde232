"""Parts of a TFLite model: between tensors that were asked for, and what is left when operators are refused."""

from __future__ import annotations

from dataclasses import replace

from edgeq_host.errors import UsageError
from edgeq_host.importers.common import ImportOptions, nearest
from edgeq_host.importers.tflite_file import FileModel


def cut(model: FileModel, options: ImportOptions) -> FileModel:
    """The part between the tensors that were asked for: what no output needs is left out."""
    inputs = tuple(_find(model, name) for name in options.inputs) or model.inputs
    outputs = tuple(_find(model, name) for name in options.outputs) or model.outputs
    given = [model.tensors[t].name for t in outputs if t in inputs]
    if given and options.outputs:
        raise UsageError(f"--outputs {','.join(given)}: that is an input of the model, which nothing computes", _last_outputs(model))
    needed, kept = set(outputs) - set(inputs), []
    for op in reversed(model.operators):
        if needed.intersection(op.outputs) or (not op.outputs and not options.outputs):
            kept.append(op)
            needed.update(set(op.inputs) - set(inputs))
    missing = [model.tensors[t].name for t in model.inputs if t in needed and t not in inputs]
    if missing:
        raise UsageError(f"the cut also needs the input {missing[0]!r}", f"add it: --inputs {','.join([*options.inputs, *missing])}")
    return replace(model, inputs=inputs, outputs=outputs, operators=kept[::-1])


def _find(model: FileModel, name: str) -> int:
    """Operators have no names in TFLite: the name of a tensor stands for the operator that makes it."""
    names = [t.name for t in model.tensors]
    if name in names:
        return names.index(name)
    hint = "; ".join(filter(None, [nearest(name, names), _last_outputs(model)]))
    raise UsageError(f"the model has no tensor named {name!r}", hint)


def _last_outputs(model: FileModel) -> str:
    names = [model.tensors[op.outputs[0]].name for op in model.operators if op.outputs]
    return f"the last tensors are {', '.join(names[-3:])}" if names else ""
