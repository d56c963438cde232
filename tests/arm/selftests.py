"""The self-test under qemu-user, once for each CPU and worker."""

from __future__ import annotations

import re
from functools import cache

from bench.arm import guest
from edgeq_runtime import lists


def cpus(best: str) -> list[str]:
    """Those whose best instruction set it is."""
    return [cpu for cpu, isas in guest.CPUS.items() if isas[0] == best]


@cache
def _report(cpu: str) -> str:
    return guest.run(cpu, [guest.program("selftest")]).decode()


def passed(cpu: str) -> list[str]:
    return re.findall(r"^ok +(\w+) ", _report(cpu), re.M)


def skipped(cpu: str) -> list[str]:
    return re.findall(r"^skip (\w+) not on this cpu$", _report(cpu), re.M)


def kernels(cpu: str) -> list[str]:
    """Those that must pass there."""
    return [k.stem for k in lists.kernels() if k.isa in guest.CPUS[cpu]]
