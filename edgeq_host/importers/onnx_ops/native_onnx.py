"""What the onnx package does in native code, in a process of its own: on some damaged models it aborts, or does not end."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import onnx
import onnx.inliner
import onnx.shape_inference
from google.protobuf.message import DecodeError

LIMIT_S = 20.0
_HEAD = struct.Struct("<BQ")  # which job, bytes that follow
_JOBS: tuple[Callable[[onnx.ModelProto], onnx.ModelProto], ...] = (
    onnx.shape_inference.infer_shapes,
    partial(onnx.shape_inference.infer_shapes, data_prop=True),
    onnx.inliner.inline_local_functions,
)
_SHAPES, _SHAPES_OF_DATA, _INLINE = range(len(_JOBS))


class _Worker:
    """Answers one model after the other, as long as it lives; `process` is None where none is running."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, job: int, model: onnx.ModelProto) -> onnx.ModelProto | None:
        """None where it refuses the model, dies of it, or takes longer than LIMIT_S."""
        data = model.SerializeToString()
        if self.process is None or self.process.poll() is not None:
            # With the paths of this process: -c alone puts the folder of the user first, and a file onnx.py there would be run.
            command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"]
            # A group of its own: Ctrl-C is for the command, which ends this process by closing its input.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
        end = time.monotonic() + LIMIT_S
        try:
            self._send(_HEAD.pack(job, len(data)), end)
            self._send(data, end)
            _, size = _HEAD.unpack(self._receive(_HEAD.size, end))
            return onnx.ModelProto.FromString(self._receive(size, end)) if size else None
        except (OSError, EOFError, TimeoutError):
            self.process.kill()
            self.process.communicate()
            self.process = None
            return None

    def _send(self, data: bytes, end: float) -> None:
        assert self.process is not None and self.process.stdin is not None
        file = self.process.stdin.fileno()
        view = memoryview(data)
        while view:
            _wait([], [file], end)
            view = view[os.write(file, view[: select.PIPE_BUF]) :]

    def _receive(self, size: int, end: float) -> bytes:
        assert self.process is not None and self.process.stdout is not None
        file, parts = self.process.stdout.fileno(), []
        while size:
            _wait([file], [], end)
            parts.append(os.read(file, size))
            if not parts[-1]:
                raise EOFError
            size -= len(parts[-1])
        return b"".join(parts)


def _wait(readable: list[int], writable: list[int], end: float) -> None:
    if not any(select.select(readable, writable, [], max(0.0, end - time.monotonic()))):
        raise TimeoutError


_worker = _Worker()


def infer(model: onnx.ModelProto, data_prop: bool = False) -> onnx.ModelProto | None:
    """The model with the shapes that ONNX's inference finds; None where it cannot. data_prop: through small constants too."""
    return _worker.ask(_SHAPES_OF_DATA if data_prop else _SHAPES, model)


def inline(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model with its functions written out; None where that cannot be done."""
    return _worker.ask(_INLINE, model)


def serve() -> None:
    """Until the input ends. An empty answer: refused."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := requests.read(_HEAD.size):
        job, size = _HEAD.unpack(head)
        answer = _answer(job, requests.read(size))
        answers.write(_HEAD.pack(job, len(answer)))
        answers.write(answer)
        answers.flush()


def _answer(job: int, data: bytes) -> bytes:
    try:
        return bytes(_JOBS[job](onnx.ModelProto.FromString(data)).SerializeToString())
    except (onnx.shape_inference.InferenceError, DecodeError, RuntimeError, ValueError, TypeError, KeyError, IndexError):
        return b""
