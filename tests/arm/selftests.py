"""The self-test under qemu-user: what it runs where, once for each CPU and worker."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from bench.arm import guest
from edgeq_runtime import lists

IN_NETWORKS = ("gemm_s8_s8_s2", "gemm_s8_s8_b1")  # their tiles are those of 4 bits; CI runs them in networks of these widths


def cpus(best: str) -> list[str]:
    """Those whose best instruction set it is."""
    return [cpu for cpu, isas in guest.CPUS.items() if isas[0] == best]


def kernels(*isas: str) -> tuple[str, ...]:
    return tuple(k.stem for k in lists.kernels() if k.isa in isas)


def ordinary(isa: str) -> tuple[str, ...]:
    """CI's kernels of an instruction set."""
    return tuple(stem for stem in kernels(isa) if not stem.startswith(IN_NETWORKS))


def shares(best: str) -> list[Any]:
    """CPU and kernels: CI's of this instruction set on one CPU; among the exhaustive tests, all that a CPU runs on every CPU."""
    whole = [pytest.param(cpu, kernels(*guest.CPUS[cpu]), id=f"{cpu}-all", marks=pytest.mark.exhaustive) for cpu in cpus(best)]
    return [pytest.param(cpus(best)[-1], ordinary(best), id=cpus(best)[-1]), *whole]


@cache
def _report(cpu: str, names: tuple[str, ...]) -> str:
    return guest.run(cpu, [guest.program("selftest"), *names]).decode()


def passed(cpu: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.findall(r"^ok +(\w+) ", _report(cpu, names), re.M))


def skipped(cpu: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.findall(r"^skip (\w+) not on this cpu$", _report(cpu, names), re.M))
