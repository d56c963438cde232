"""A model on a board that runs like one at hand: `run(x)` takes and gives arrays; the agent computes them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import numpy as np

from edgeq_host import device as devices
from edgeq_host import silicon
from edgeq_host.arrays import NAMES
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import Edge, Opened
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import check_file, unpack
from edgeq_host.faults import Refused
from edgeq_host.graph import Array
from edgeq_host.inspect import text
from edgeq_host.installed import split_version
from edgeq_host.layer import Layer
from edgeq_host.link import QUIET_S
from edgeq_host.provenance import recipe_of
from edgeq_host.targets import Target
from edgeq_runtime.buffers import QUANTIZED


def _asarray(edge: Edge) -> str:
    return f"numpy.asarray(x, {NAMES[edge.dtype]!r})"


class RemoteModel:
    """An installed model (NAME or NAME@VERSION), or a file's bytes in the memory of the device, the store untouched.

    One session with the device for the life of the object: use it in a `with`. time_ns: of the last run, on the device, without the link.
    """

    def __init__(
        self,
        target: Target,
        name: str = "",
        data: bytes | None = None,
        variant: str = "",
        isas: int = 0,
        quiet_s: float = QUIET_S,
        threads: int = 1,
    ) -> None:
        self.what = f"{name or 'the model'} on {target.name}"
        self._target = target
        self.board, self.name = target.name, split_version(name)[0] if data is None else name
        self.time_ns = 0
        if data is not None:
            check_file(data, name or "the model")
        self.device = connect(target, quiet_s)
        try:
            with self.refusals():
                if data is not None:
                    self.device.put("", data, devices.MEMORY)
                wanted, version = ("", 0) if data is not None else split_version(name)
                self.opened = self._open(wanted, version, data, variant, isas, threads)
        except BaseException:
            self.device.close(in_order=False)
            raise

    def _open(self, name: str, version: int, data: bytes | None, variant: str, isas: int, threads: int) -> Opened:
        """UsageError where it has no such variant, with those that it has; of an installed model its recipe says them."""
        try:
            return self.device.open(name, version, variant, isas, threads)
        except Refused as refused:
            if refused.name != "no_variant":
                raise
        first = self.device.open(name, version, "", isas, threads).variant
        made = self._recorded() if data is None else [text(v.name) for v in unpack(data, self.what).variants]
        found = f"has {', '.join(made)}" if first in made else f"runs {first} where no variant is named"
        raise UsageError(f"{self.what} has no variant {variant!r}", f"it {found}")

    def _recorded(self) -> list[str]:
        """The precisions of the recipe that the open model records."""
        try:
            return [p.name for p in recipe_of(self.device.origin(devices.RECIPE), self.what).precisions]
        except UsageError:
            return []  # of a damaged file

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.device.close(error is None)

    def close(self) -> None:
        """End the session with the device; more than once is allowed."""
        self.device.close()

    def refusals(self) -> AbstractContextManager[None]:
        return refusals(self.what, self.name, self.board)

    def source(self) -> str:
        """What figures from it are, "measured" or "emulated"; the device is asked."""
        with self.refusals():
            return silicon.source(self._target, self.device)

    @property
    def inputs(self) -> tuple[Edge, ...]:
        return self.opened.inputs

    @property
    def outputs(self) -> tuple[Edge, ...]:
        return self.opened.outputs

    def origin(self) -> tuple[str, str]:
        """Recipe and import options that the file records, as TOML; empty where it does not."""
        with self.refusals():
            return self.device.origin(devices.RECIPE), self.device.origin(devices.IMPORT_OPTIONS)

    def layers(self) -> list[Layer]:
        with self.refusals():
            return self.device.layers()

    def run(self, x: Any) -> Any:
        """One inference on the device. x: the input, or a list of all; an array, or a list where there are several outputs, comes back."""
        values = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(values) != len(self.inputs):
            hint = f"give one array per input, such as {_asarray(self.inputs[0])}; a list is taken as a list of inputs"
            raise ModelError(f"{self.what}: {len(values)} inputs given, it takes {len(self.inputs)}", hint)
        packed = [self._pack(edge, value) for edge, value in zip(self.inputs, values, strict=True)]
        with self.refusals():
            raw, self.time_ns = self.device.infer(packed)
        results = [np.frombuffer(data, NAMES[e.dtype]).reshape(e.shape) for e, data in zip(self.outputs, raw, strict=True)]
        return results[0] if len(results) == 1 else results

    def _pack(self, edge: Edge, value: Any) -> tuple[str, bytes]:
        if isinstance(value, (list, tuple)):
            raise ModelError(f"{self.what}: input {edge.name} is a {type(value).__name__}", f"give an array, such as {_asarray(edge)}")
        array: Array = np.ascontiguousarray(value)
        kinds = {edge.dtype} | ({edge.inner} & set(QUANTIZED))
        kind = next((k for k in sorted(kinds) if array.dtype == NAMES[k]), None)
        if kind is None or array.shape != edge.shape:
            found = f"{array.dtype} {array.shape}"
            wanted = f"{' or '.join(NAMES[k] for k in sorted(kinds))} {edge.shape}"
            raise ModelError(f"{self.what}: input {edge.name} is {found}, expected {wanted}", "`edgeq inspect` shows the edges of a model")
        return kind, array.tobytes()
