"""A process on this machine as a stream: bytes to its standard input, bytes from its standard output. Transports are made of it."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

from edgeq_host.errors import LinkError
from edgeq_host.transports import Closed, Stuck

_CHUNK = 1 << 16
_END_S = 2.0  # for the process to end by itself once its input is closed
Ended = Callable[[int | None, str], Closed]


class ProcessStream:
    """A Transport. ended: what the end of the process means, of its exit code (None: it runs on, its output is closed) and what it wrote
    to its standard error."""

    reliable = True
    brought = 0

    def __init__(
        self, command: Sequence[str], missing: str, ended: Ended, new_session: bool = True, environment: Mapping[str, str] | None = None
    ) -> None:
        """LinkError where it cannot be started; its hint is `missing` where there is no such program.

        new_session: out of the terminal's reach, Ctrl-C there is for the host alone, which then ends the link in order.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process; close ends both)
        self._ended = ended
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=new_session,
                env=environment,
            )
        except OSError as error:
            self._errors.close()
            hint = missing if isinstance(error, FileNotFoundError) else "check the path and its rights"
            raise LinkError(f"cannot start {command[0]}: {error.strerror or error}", hint) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdout.fileno(), self._process.stdin.fileno()
        os.set_blocking(self._out, False)
        self._kept = bytearray()

    @property
    def pid(self) -> int:
        return self._process.pid

    def errors(self) -> str:
        """What the process has written to its standard error so far."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode("utf-8", "replace")  # the process shares the file's position

    def _closed(self) -> Closed:
        try:
            code: int | None = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            code = None
        return self._ended(code, self.errors())

    def _receive(self) -> bytes:
        data = os.read(self._in, _CHUNK)
        if not data:
            raise self._closed()
        return data

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self._kept:
            ready, _, _ = select.select([self._in], [], [], timeout_s)
            if ready:
                self._kept += self._receive()
        data = bytes(self._kept[:size])
        del self._kept[:size]
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        """Reads while it waits: with both pipes full, two ends that only write would wait for ever."""
        view, end = memoryview(data), time.monotonic() + timeout_s
        while view:
            ready, writable, _ = select.select([self._in], [self._out], [], max(0.0, end - time.monotonic()))
            if ready:
                self._kept += self._receive()
            sent = self._send(view) if writable else 0
            if sent:
                view, end = view[sent:], time.monotonic() + timeout_s
            elif time.monotonic() >= end:
                raise Stuck

    def _send(self, data: memoryview) -> int:
        """What there is room for."""
        try:
            return os.write(self._out, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise self._closed() from None

    def close(self) -> None:
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        if self._errors.closed:
            return
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._errors.close()
