"""The self-test under qemu-user, once for each CPU and worker."""

from __future__ import annotations

import re
from functools import cache

from bench.arm import guest
from edgeq_runtime import lists

WITH_DOTPROD = [cpu for cpu, isas in guest.CPUS.items() if "neon_dotprod" in isas]
WITHOUT = [cpu for cpu in guest.CPUS if cpu not in WITH_DOTPROD]


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
