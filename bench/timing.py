"""Interleaved rounds and their medians."""

from __future__ import annotations

import ctypes
import statistics
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE_NS = 2_000_000  # one sample calls the engine until about this much time has passed: the clock costs hundreds of ns

Engine = Callable[[int], int]  # n calls -> thread CPU ns


def library() -> ctypes.CDLL:
    """loop.c, compiled afresh when it changed."""
    source, target = Path(__file__).with_name("loop.c"), ROOT / "build" / "bench" / "libloop.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-std=c11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", source, "-o", target], check=True)
    loaded = ctypes.CDLL(str(target))
    for name in ("bench_edgeq", "bench_litert"):
        getattr(loaded, name).restype = ctypes.c_uint64
        getattr(loaded, name).argtypes = [ctypes.c_void_p, ctypes.c_int]
    return loaded


def interleave(engines: Mapping[str, Engine], rounds: int) -> dict[str, float]:
    """Median ns of one call by engine; every round measures each engine once, so that drift of the machine meets all alike."""
    calls = {name: _calls(engine) for name, engine in engines.items()}
    samples: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            samples[name].append(engine(calls[name]) / calls[name])
    return {name: statistics.median(values) for name, values in samples.items()}


def _calls(engine: Engine) -> int:
    """Calls a sample, after the engine has warmed up."""
    engine(3)
    once = engine(3) / 3
    assert once > 0, "the engine failed"
    return max(1, round(SAMPLE_NS / once))
