"""Work on several devices at the same time. What goes wrong on one is its outcome and leaves the others alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from edgeq_host.errors import EdgeqError, LinkError
from edgeq_host.targets import Target

T = TypeVar("T")
JOBS = 8
DONE, UNREACHABLE, FAILED, UNKNOWN, NOT_TRIED = "done", "unreachable", "failed", "unknown", "not tried"


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of the work on one device. state: done (value is set), unreachable, failed, unknown: its name means no device any more
    (error is set), or not tried, because enough others had failed before."""

    target: Target
    state: str
    value: T | None = None
    error: EdgeqError | None = None


@dataclass
class Limits:
    """jobs: devices at the same time. max_failures: once more than these have failed, no other is begun (None: never). canary: so many
    come first, by themselves, and where one of them does not end well the others are not begun (0: none)."""

    jobs: int = JOBS
    max_failures: int | None = None
    canary: int = 0


def each(targets: Sequence[Target], job: Callable[[Target], T], limits: Limits, failed: int = 0) -> Iterator[Outcome[T]]:
    """The outcomes, as they come. failed: how many have failed already, for max_failures. KeyboardInterrupt, or an error that is none of
    EdgeqError, ends all sessions first. Nobody is asked for anything: questions of several at once could not be told apart."""
    crew = _Crew(job, limits, failures=failed)
    with ThreadPoolExecutor(max_workers=limits.jobs) as pool:
        try:
            yield from crew.work(pool, targets[: limits.canary], canary=True)
            yield from crew.work(pool, targets[limits.canary :])
        except BaseException:
            crew.cancel.set()
            raise


@dataclass
class _Crew(Generic[T]):
    job: Callable[[Target], T]
    limits: Limits
    cancel: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    stopped: bool = False

    def work(self, pool: ThreadPoolExecutor, targets: Sequence[Target], canary: bool = False) -> Iterator[Outcome[T]]:
        """No more are begun than run at once, so that `stopped` is looked at before each."""
        waiting = list(targets)
        running: dict[Future[Outcome[T]], Target] = {}
        while running or (waiting and not self.stopped):
            while waiting and not self.stopped and len(running) < self.limits.jobs:
                target = waiting.pop(0)
                running[pool.submit(self._one, target)] = target
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                outcome = replace(future.result(), target=running.pop(future))
                self._count(outcome, canary)
                yield outcome
        for target in waiting:
            yield Outcome(target, NOT_TRIED)

    def _count(self, outcome: Outcome[T], canary: bool) -> None:
        self.failures += outcome.state == FAILED
        enough = self.limits.max_failures is not None and self.failures > self.limits.max_failures
        self.stopped = self.stopped or enough or (canary and outcome.state != DONE)

    def _one(self, target: Target) -> Outcome[T]:
        try:
            return Outcome(target, DONE, self.job(replace(target, options=replace(target.options, cancel=self.cancel, no_input=True))))
        except LinkError as error:
            return Outcome(target, UNREACHABLE, error=error)
        except EdgeqError as error:
            return Outcome(target, FAILED, error=error)
