"""Parts of a TFLite model: between tensors that were asked for, and what is left when operators are refused."""

from __future__ import annotations

import difflib
from dataclasses import replace

from edgeq_host.errors import UsageError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.tflite_file import FileModel


def cut(model: FileModel, options: ImportOptions) -> FileModel:
    """The part between the tensors that were asked for: what no output needs is left out."""
    inputs = tuple(_find(model, name) for name in options.inputs) or model.inputs
    outputs = tuple(_find(model, name) for name in options.outputs) or model.outputs
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
    near = difflib.get_close_matches(name, names, 3, 0.3) if len(names) < 5000 else []
    raise UsageError(f"the model has no tensor named {name!r}", f"names that are near: {', '.join(near)}" if near else "")


def kept_part(model: FileModel, refused: set[int]) -> tuple[str, ...]:
    """The tensors where everything that depends on `refused` begins, and outputs that do not."""
    behind, made = set(refused), set[int]()
    for op in model.operators:
        if behind.intersection(op.inputs):
            behind.update(op.outputs)
        made.update(op.outputs)
    read = [t for op in model.operators if not op.outputs or behind.intersection(op.outputs) for t in op.inputs]
    return tuple(dict.fromkeys(model.tensors[t].name for t in (*read, *model.outputs) if t in made and t not in behind))
