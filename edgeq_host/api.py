"""The functions of `edgeq_host` that a program calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeq_host import importers
from edgeq_host import recipe as recipes
from edgeq_host.arrays import in_edge_type
from edgeq_host.data import Data, Sample, check_type, open_data
from edgeq_host.errors import ModelError
from edgeq_host.export import Score, read_file
from edgeq_host.graph import Array, Graph
from edgeq_host.importers import ImportOptions
from edgeq_host.produce import Packed, Source, pack_graph
from edgeq_host.provenance import recorded
from edgeq_host.recipe import Recipe
from edgeq_host.scores import evaluate as score
from edgeq_runtime import native

__all__ = ["evaluate", "from_torch", "load", "quantize"]

DataLike = Any  # a path, an array (N, ...), or a pair of arrays (samples, labels)


def load(
    path: str | Path,
    shapes: Mapping[str, Sequence[int]] | None = None,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> Graph:
    """The graph of an .onnx, .tflite or .pt2 file: float32 operators, NHWC inside, edges as the source has them.

    shapes: of inputs that the file leaves open, or others where the operators can follow.
    inputs, outputs: nodes or tensors where the graph is cut.
    Raises ModelError (not a model, damaged) and UnsupportedError (with every operator that edgeq lacks).
    """
    options = ImportOptions({name: tuple(shape) for name, shape in (shapes or {}).items()}, tuple(inputs), tuple(outputs))
    return importers.load(path, options)


def from_torch(module: Any, example_inputs: Any) -> Graph:
    """The graph of a torch.nn.Module in eval mode. example_inputs: a tensor, or a tuple of them."""
    return importers.from_torch(module, example_inputs)


def quantize(
    model: Graph | str | Path,
    calibration: DataLike | None = None,
    *,
    precision: str | None = None,
    nested: bool | None = None,
    data: DataLike | None = None,
    recipe: Recipe | str | Path | None = None,
    name: str = "",
) -> Packed:
    """A packed model. calibration: needed for float models; "random" for timing only. data: labelled, to score float and quantized.

    nested: the precisions "int8,w4a8" share their weights. recipe: a Recipe or the path of its TOML file; precision and nested override
    its own. Raises UsageError, ModelError, UnsupportedError.
    """
    path = None if isinstance(model, Graph) else Path(model)
    graph = model if isinstance(model, Graph) else load(model)
    chosen = _recipe(recipe, precision=precision, nested=nested)
    return pack_graph(graph, Source(path, chosen, _samples(calibration, graph), _samples(data, graph), name=name))


def evaluate(model: Packed | Graph | str | Path, data: DataLike, metric: str | None = None, reference: Any = None) -> Score:
    """The score of a packed model, a graph (float or int8) or an .eqm file on labelled data, with its 95 % interval.

    The recipe that a file records says how data is prepared and, where none is given, the metric (a graph: top1).
    """
    opened, chosen = _opened(model)
    found = _samples(data, opened)
    used = open_data(Path(found), opened.inputs, chosen) if isinstance(found, (str, Path)) else found
    assert used is not None
    return score(opened, used, metric or chosen.metric, reference)


def _opened(model: Packed | Graph | str | Path) -> tuple[Any, Recipe]:
    """What runs, and the recipe that it was made with."""
    if isinstance(model, Graph):
        return model, Recipe()
    file, name = (model.data, model.name) if isinstance(model, Packed) else (read_file(Path(model)), str(model))
    recipe, _ = recorded(file, name)
    return native.Model(file), recipe


def _recipe(given: Recipe | str | Path | None, **own: Any) -> Recipe:
    base = given if isinstance(given, Recipe) else recipes.read(Path(given)) if given is not None else Recipe()
    return replace(base, **{key: value for key, value in own.items() if value is not None})


def _samples(given: DataLike | None, model: Any) -> Data | str | None:
    """Arrays as Data; paths as they are."""
    if given is None or isinstance(given, (str, Path)):
        return None if given is None else str(given)
    if isinstance(given, Data):
        return given
    x, y = given if isinstance(given, tuple) else (given, None)
    return _arrays(np.asarray(x), None if y is None else np.asarray(y), model.inputs[0])


def _arrays(x: Array, y: Array | None, edge: Any) -> Data:
    shape = tuple(edge.shape)
    if x.shape[1:] not in (shape, shape[1:]):
        raise ModelError(
            f"samples have shape {list(x.shape)}, the model's input has {list(shape)}", f"give [N, {', '.join(map(str, shape))}]"
        )
    if not len(x) or (y is not None and len(y) != len(x)):
        raise ModelError(f"{len(x)} samples and {0 if y is None else len(y)} labels", "give one label per sample")
    check_type("samples are", edge, x.dtype)
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise ModelError("samples hold NaN or infinity", "remove them or repair their source")

    def samples() -> Iterator[Sample]:
        for i in range(len(x)):
            value = np.ascontiguousarray(x[i].reshape(shape), np.float32 if x.dtype.kind == "f" else x.dtype)
            yield Sample([value], None if y is None else y[i], [in_edge_type(edge, value)])

    return Data(None, len(x), y is not None, samples)
