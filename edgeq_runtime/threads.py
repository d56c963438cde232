"""Threads that inferences of one model share. Python 3.6."""

import os
from typing import Any, Optional  # noqa: F401 (in a type comment)

from edgeq_runtime.abi import STATUS_ARGUMENT, Error, library

MAX = 64  # EQ_THREADS_MAX


class Threads:
    """`count` threads, the caller's own is one of them: the others start with the first inference, also in a process that was forked."""

    def __init__(self, count: int) -> None:
        if not isinstance(count, int) or not 1 <= count <= MAX:
            raise Error(STATUS_ARGUMENT, "threads is {!r}, expected a number from 1 to {}".format(count, MAX))
        self.count = count
        self._pool = None  # type: Optional[int]
        self._process = 0

    def workers(self) -> Any:
        """For eq_run_on; None: the caller's thread alone."""
        if self.count == 1:
            return None
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = library().eq_threads_start(self.count), os.getpid()
            if not self._pool:
                raise Error(STATUS_ARGUMENT, "the system starts no {} threads: use fewer".format(self.count))
        return library().eq_threads_workers(self._pool)

    def stop(self) -> None:
        """Those that run here; more than once is allowed."""
        if self._pool is not None and self._process == os.getpid():
            library().eq_threads_stop(self._pool)
        self._pool = None

    def __del__(self) -> None:
        if getattr(self, "_pool", None) is not None and os is not None:  # None: the interpreter has begun to end
            self.stop()
