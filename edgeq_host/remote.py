"""A model on a board that runs like one at hand: `run(x)` takes and gives arrays; the agent computes them."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from edgeq_host import device as devices
from edgeq_host.boards import Board
from edgeq_host.deploy import check_file, connect, refusals
from edgeq_host.device import Edge, Layer
from edgeq_host.errors import ModelError
from edgeq_host.graph import Array
from edgeq_host.link import QUIET_S

_NUMPY: dict[str, Any] = {"f32": np.float32, "s32": np.int32, "s8": np.int8, "u8": np.uint8}


def split_version(text: str) -> tuple[str, int]:
    """NAME or NAME@VERSION; version 0 is the current one."""
    name, _, number = text.partition("@")
    if number and not (number.isdigit() and int(number) > 0):
        raise ModelError(f"{text}: {number!r} is no version", "versions are numbers from 1; `edgeq status` lists them")
    return name, int(number or 0)


class RemoteModel:
    """An installed model (NAME or NAME@VERSION), or a file's bytes in the memory of the device, the store untouched.

    One session with the device for the life of the object: use it in a `with`. time_ns: of the last run, on the device, without the link.
    """

    def __init__(
        self, board: Board, name: str = "", data: bytes | None = None, variant: str = "", isas: int = 0, quiet_s: float = QUIET_S
    ) -> None:
        self.what = f"{name or 'the model'} on {board.id}"
        self.time_ns = 0
        if data is not None:
            check_file(data, name or "the model")
        self.device = connect(board, quiet_s)
        try:
            with refusals(self.what):
                if data is not None:
                    self.device.put("", data, devices.MEMORY)
                wanted, version = ("", 0) if data is not None else split_version(name)
                self.opened = self.device.open(wanted, version, variant, isas)
        except BaseException:
            self.device.link.close()
            raise

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.device.link.close()

    @property
    def inputs(self) -> tuple[Edge, ...]:
        return self.opened.inputs

    @property
    def outputs(self) -> tuple[Edge, ...]:
        return self.opened.outputs

    def layers(self) -> list[Layer]:
        with refusals(self.what):
            return self.device.layers()

    def run(self, x: Any) -> Any:
        """One inference on the device. x: the input, or a list of all; an array, or a list where there are several outputs, comes back."""
        values = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(values) != len(self.inputs):
            raise ModelError(f"{self.what}: {len(values)} inputs given, it takes {len(self.inputs)}", "give one array per input")
        packed = [self._pack(edge, value) for edge, value in zip(self.inputs, values, strict=True)]
        with refusals(self.what):
            raw, self.time_ns = self.device.infer(packed)
        results = [np.frombuffer(data, _NUMPY[e.dtype]).reshape(e.shape) for e, data in zip(self.outputs, raw, strict=True)]
        return results[0] if len(results) == 1 else results

    def _pack(self, edge: Edge, value: Any) -> tuple[str, bytes]:
        array: Array = np.ascontiguousarray(value)
        kinds = {edge.dtype} | ({"s8"} if edge.inner == "s8" else set())
        kind = next((k for k in sorted(kinds) if array.dtype == _NUMPY[k]), None)
        if kind is None or array.shape != edge.shape:
            found = f"{array.dtype} {array.shape}"
            wanted = f"{' or '.join(sorted(kinds))} {edge.shape}"
            raise ModelError(f"{self.what}: input {edge.name} is {found}, expected {wanted}", "`edgeq inspect` shows the edges of a model")
        return kind, array.tobytes()
