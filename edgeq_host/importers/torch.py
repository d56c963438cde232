"""Reads PyTorch: a module with example inputs, or an exported program (.pt2). Both become ONNX in memory. Nothing is unpickled."""

from __future__ import annotations

import gc
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx

from edgeq_host.errors import EdgeqError, ModelError, UsageError
from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions, Survey, read_bytes
from edgeq_host.importers.onnx_ops import build
from edgeq_host.importers.torch_archive import cleaned, is_exported
from edgeq_host.importers.torch_saved import saved_error

_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_INSTALL = "pip install torch onnxscript"


def read(path: Path, options: ImportOptions) -> Graph:
    return build.import_model(_exported(path), str(path), options)


def survey(path: Path, options: ImportOptions) -> Survey:
    return build.survey(_exported(path), str(path), options)


def _exported(path: Path) -> onnx.ModelProto:
    """The program in a file as ONNX."""
    data = read_bytes(path)
    if not is_exported(data):
        raise saved_error(data, path) or ModelError(
            f"{path} is not an exported PyTorch program", "save one with torch.export.save(torch.export.export(...), PATH)"
        )
    archive = cleaned(data, str(path))
    with _quiet():
        torch = _torch()
        try:
            program = torch.export.load(archive)
        except Exception as error:  # torch raises whatever its parser meets in a damaged file
            raise ModelError(f"{path}: torch cannot load it: {_cause(error)}", "export it with this version of torch") from None
    return _as_onnx(program, None, path.stem, str(path))


def from_module(module: Any, example_inputs: Any, options: ImportOptions) -> Graph:
    """The graph of a torch.nn.Module, traced with example inputs (one tensor, or a tuple of them) in evaluation mode."""
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"expected a torch.nn.Module, found {type(module).__name__}", "give a path or a module")
    if example_inputs is None:
        raise UsageError("a module needs example inputs", "load(module, example_inputs=(torch.zeros(1, 3, 96, 96),))")
    inputs = tuple(example_inputs) if isinstance(example_inputs, (tuple, list)) else (example_inputs,)
    name = type(module).__name__
    training = {m: m.training for m in module.modules()}
    try:
        return build.import_model(_as_onnx(module.eval(), inputs, name, name), name, options)
    finally:
        for part, mode in training.items():
            part.training = mode


def _as_onnx(source: Any, inputs: tuple[Any, ...] | None, name: str, shown: str) -> onnx.ModelProto:
    with _quiet():
        torch = _torch()
        try:
            args = {} if inputs is None else {"args": inputs}
            model: onnx.ModelProto = torch.onnx.export(source, **args, dynamo=True, verbose=False, optimize=True).model_proto
        except EdgeqError:
            raise
        except Exception as error:  # the exporter raises many kinds for what it cannot translate
            raise ModelError(
                f"torch cannot export {shown}: {_cause(error)}", "try torch.onnx.export(..., dynamo=True) by hand to see why"
            ) from None
    model.graph.name = name
    return model


def _torch() -> Any:
    try:
        import onnxscript  # noqa: F401  torch.onnx needs it and says so late
        import torch
    except ImportError as error:
        raise UsageError(f"reading PyTorch models needs the package {error.name}", _INSTALL) from None
    return torch


def _cause(error: BaseException) -> str:
    """What torch says went wrong first; around it, it wraps advice on its own development."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (_COLOURS.sub("", str(error)).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's warnings speak of its own insides; and it keeps nearly all of the many objects that it makes: looking for
    garbage among them takes a quarter of its time."""
    before, collected = logging.root.manager.disable, gc.isenabled()
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        if collected:
            gc.enable()
