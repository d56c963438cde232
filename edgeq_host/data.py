"""Samples for calibration and scoring: .npz, .npy or a folder of images, read one at a time.

`x` (N, ...) holds one sample per row in the layout and type of the model's input, `y` (N) its labels; a model with several
inputs takes one array per input, named like it. An image folder has one subfolder per label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeq_host.arrays import NAMES, Input, in_edge_type, quantized, takes
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array
from edgeq_host.images import image_reader
from edgeq_host.npy import Rows, npy_rows, npz_names, npz_rows
from edgeq_host.recipe import IMAGE_SUFFIXES, Recipe

_CONVERT = {
    "uint8": "describe the preprocessing of raw bytes in a recipe's [[input]], or give the real values that they stand for",
    "int8": "give the real values that the integers stand for, (q - zero point) * scale: this model does not compute in int8, "
    "and calibration needs the values to find scales",
}
_KINDS = {"f32": "f", "s8": "b", "u8": "B", "s16": "h", "s32": "iu"}


@dataclass(frozen=True)
class Sample:
    """inputs: what the model takes. values: the same before it was quantized, where the data holds quantized integers."""

    inputs: list[Array] = field(repr=False)
    label: Array | None = field(repr=False)
    values: list[Array] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if not self.values:
            object.__setattr__(self, "values", self.inputs)


@dataclass(frozen=True)
class Data:
    """Can be gone through more than once; memory does not grow with `count`."""

    path: Path | None
    count: int
    labelled: bool
    _open: Callable[[], Iterator[Sample]] = field(repr=False)

    def __iter__(self) -> Iterator[Sample]:
        return self._open()

    def inputs(self) -> Iterator[list[Array]]:
        return (sample.inputs for sample in self)

    def sha256(self) -> bytes:
        """Of the file; of a folder: of every path below it with its contents. b"" for generated data."""
        if self.path is None:
            return b""
        files = sorted(p for p in self.path.rglob("*") if p.is_file()) if self.path.is_dir() else [self.path]
        digest = hashlib.sha256()
        for file in files:
            if self.path.is_dir():
                digest.update(file.relative_to(self.path).as_posix().encode() + b"\0" + str(file.stat().st_size).encode() + b"\0")
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.digest()


def open_data(path: Path, inputs: Sequence[Input], recipe: Recipe, labels: bool = False) -> Data:
    """inputs: the model's. labels: they are needed. ModelError where the data does not fit the model."""
    if path.is_dir():
        data = _folder(path, inputs, recipe)
    elif not path.is_file():
        raise UsageError(f"no data at {path}", "give a .npz, a .npy or a folder of images")
    elif path.suffix == ".npz":
        data = _npz(path, inputs)
    elif path.suffix == ".npy":
        data = _npy(path, inputs)
    else:
        raise UsageError(
            f"{path}: data is .npz, .npy or a folder of images, found {path.suffix or 'no suffix'}", "save it with numpy.savez(path, x=...)"
        )
    if not data.count:
        raise ModelError(f"{path} holds no samples", "give at least one")
    if labels and not data.labelled:
        raise ModelError(f"{path} has no labels, and the metric needs them", "store them as y (N), or images in one subfolder per label")
    return data


def random_data(inputs: Sequence[Input], seed: int, count: int) -> Data:
    """Uniform noise, floats in [-1, 1): good for timing, says nothing about accuracy."""

    def samples() -> Iterator[Sample]:
        generator = np.random.default_rng(seed)
        for _ in range(count):
            yield Sample([_noise(generator, edge) for edge in inputs], None)

    return Data(None, count, False, samples)


def _noise(generator: np.random.Generator, edge: Input) -> Array:
    if edge.dtype == "f32":
        return generator.uniform(-1, 1, edge.shape).astype(np.float32)
    if edge.dtype == "s32":
        return np.zeros(edge.shape, np.int32)
    return generator.integers(0, 256, edge.shape).astype(np.uint8).view(NAMES[edge.dtype])


# Arrays.


def _npy(path: Path, inputs: Sequence[Input]) -> Data:
    rows = npy_rows(path)
    if len(inputs) != 1:
        raise ModelError(f"the model has {len(inputs)} inputs, a .npy holds one", "save an .npz with one array per input")
    return _arrays(path, [(inputs[0], "x", rows)], None)


def _npz(path: Path, inputs: Sequence[Input]) -> Data:
    keys = npz_names(path)
    wanted = {key: npz_rows(path, key) for key in keys if key in ("x", "y") or key in [e.name for e in inputs]}
    names = ["x"] if len(inputs) == 1 and inputs[0].name not in wanted else [e.name for e in inputs]
    for name in names:
        if name not in wanted:
            found = f"{path} has no array {name!r}; it has: {', '.join(keys) or 'none'}"
            raise ModelError(found, f"save it with numpy.savez(path, {name}=..., y=...)")
    return _arrays(path, [(edge, name, wanted[name]) for edge, name in zip(inputs, names, strict=True)], wanted.get("y"))


def _arrays(path: Path, arrays: list[tuple[Input, str, Rows]], y: Rows | None) -> Data:
    for edge, name, rows in arrays:
        _check_array(path, edge, name, rows)
    count = arrays[0][2].shape[0]
    for name, rows in [(n, r) for _, n, r in arrays] + ([("y", y)] if y else []):
        if not rows.shape or rows.shape[0] != count:
            raise ModelError(f"{path}: {name} has shape {list(rows.shape)}, {arrays[0][1]} has {count} samples", "give one row per sample")

    def samples() -> Iterator[Sample]:
        labels = y.read() if y else iter(())
        for number, row in enumerate(zip(*(rows.read() for _, _, rows in arrays), strict=True)):
            inputs = [_fit(path, edge, value, number) for (edge, _, _), value in zip(arrays, row, strict=True)]
            values = [in_edge_type(edge, value) for (edge, _, _), value in zip(arrays, inputs, strict=True)]
            yield Sample(inputs, next(labels, None), values)

    return Data(path, count, y is not None, samples)


def _check_array(path: Path, edge: Input, name: str, rows: Rows) -> None:
    shape = tuple(rows.shape[1:])
    if not rows.shape or shape not in _row_shapes(edge):
        found = f"{path}: {name} has shape {list(rows.shape)}, input {edge.name} of the model has {list(edge.shape)}"
        raise ModelError(found, f"{name} needs the shape [N, {', '.join(map(str, _row_shapes(edge)[-1]))}]")
    check_type(f"{path}: {name} is", edge, rows.dtype)


def check_type(found: str, edge: Input, dtype: np.dtype[Any]) -> None:
    """ModelError where values of this type are none of the input's."""
    if dtype.kind not in _KINDS[edge.dtype] and dtype.char not in _KINDS[edge.dtype] and not quantized(edge, dtype):
        text = f"{found} {dtype}, input {edge.name} of the model takes {takes(edge)}"
        raise ModelError(text, _CONVERT.get(dtype.name, "convert it"))


def _row_shapes(edge: Input) -> list[tuple[int, ...]]:
    """A row is the whole input; the batch axis of a model for one sample need not be there."""
    shape = tuple(edge.shape)
    return [shape, shape[1:]] if shape and shape[0] == 1 else [shape]


def _fit(path: Path, edge: Input, value: Array, number: int) -> Array:
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        bad = "NaN" if np.isnan(value).any() else "infinity"
        raise ModelError(f"{path}: sample {number} of input {edge.name} holds {bad}", "remove the sample or repair its source")
    if edge.dtype == "s32" and (int(value.min(initial=0)) < -(1 << 31) or int(value.max(initial=0)) >= 1 << 31):
        raise ModelError(f"{path}: sample {number} of input {edge.name} holds values beyond int32", "the model takes int32")
    return np.ascontiguousarray(value.reshape(edge.shape), None if quantized(edge, value.dtype) else NAMES[edge.dtype])


# Images.


def _folder(path: Path, inputs: Sequence[Input], recipe: Recipe) -> Data:
    if len(inputs) != 1:
        raise ModelError(f"the model has {len(inputs)} inputs, a folder of images feeds one", "save an .npz with one array per input")
    read = image_reader(inputs[0].name, tuple(inputs[0].shape), inputs[0].dtype, recipe)
    folders = sorted(p for p in path.iterdir() if p.is_dir())
    order = {name: i for i, name in enumerate(recipe.labels or [f.name for f in folders])}
    for folder in folders:
        if folder.name not in order:
            found_name = f"{path}: the subfolder {folder.name} is none of the recipe's labels"
            raise ModelError(found_name, f"the labels are: {', '.join(recipe.labels)}")
    found = [(p, order[f.name]) for f in folders for p in _images(f)] if folders else [(p, None) for p in _images(path)]
    if not found:
        raise ModelError(f"{path} holds no images", f"suffixes that count: {', '.join(IMAGE_SUFFIXES)}")

    def samples() -> Iterator[Sample]:
        for file, label in found:
            yield Sample([read(file)], None if label is None else np.array(label))

    return Data(path, len(found), bool(folders), samples)


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
