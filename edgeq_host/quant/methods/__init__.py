"""Methods that choose or correct weights: the steps of a recipe, [[step]] method = "...". One module per method.

A module has
- STAGE, one of STAGES: what a step changes of a layer. Steps stand in this order.
- COLLECTS: what it reads of what the calibration samples show (`layer.seen`): "means", "moments", or "" for nothing.
- `Options`, a frozen dataclass: the other keys of the step, `max_bits` among them (the widest weights that the step touches).
- `apply(layer, options)`, called for one layer after the other in the order of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from edgeq_host.errors import UsageError
from edgeq_host.quant.options import checked
from edgeq_host.quant.precision import TERNARY, WEIGHTS

if TYPE_CHECKING:
    from edgeq_host.quant.layer import Layer
    from edgeq_host.quant.precision import Kind

METHODS = ("mse", "twn", "gptq", "bias_correction")
STAGES = ("ranges", "rounding", "bias")
DEFAULT: tuple[tuple[str, dict[str, Any]], ...] = (("mse", {"max_bits": 4}), ("gptq", {"max_bits": 4}), ("bias_correction", {}))


def options(method: str, values: Mapping[str, Any]) -> Any:
    """The options of a method, checked. UsageError names what is allowed."""
    if method not in METHODS:
        raise UsageError(f"[[step]] method = {method!r} does not exist", f"choose one of: {', '.join(METHODS)}")
    return checked(f"step {method!r}", _module(method).Options, values)


def stage_of(method: str) -> str:
    return str(_module(method).STAGE)


def collects(method: str) -> str:
    return str(_module(method).COLLECTS)


def check_order(names: Sequence[str]) -> None:
    """UsageError where a step would undo one before it."""
    for before, after in pairwise(names):
        if STAGES.index(stage_of(after)) < STAGES.index(stage_of(before)):
            raise UsageError(f"step {after!r} stands after {before!r}, which builds on it", f"write {after!r} first")
    if len(set(names)) == len(names) and "twn" in names and "mse" in names[names.index("twn") :]:
        raise UsageError(
            "step 'mse' stands after 'twn', whose scales of ternary weights it would undo", "write 'mse' first, for the other widths"
        )
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UsageError(f"step {twice[0]!r} stands twice", "write it once")


def apply(stage: str, layer: Layer, steps: Sequence[tuple[str, Any]], kind: Kind | None = None) -> None:
    """Those of the steps (method, checked options) that belong to a stage and touch weights of a kind; None: of the layer's."""
    for method, given in touching(stage, kind or layer.kind, steps):
        _module(method).apply(layer, given)


def idle(steps: Iterable[tuple[str, Mapping[str, Any]]], kinds: Iterable[Kind]) -> Iterator[str]:
    """What is to be said of steps (method, options) that touch nothing where weights of these kinds, and int8, are made."""
    made = {*kinds, WEIGHTS["8"]}
    for method, values in steps:
        most = options(method, values).max_bits
        touched = {kind for kind in made if kind.bits <= most}
        if method == "twn" and WEIGHTS[TERNARY] not in touched:
            yield f"step {method!r} touches no layer: it is for ternary weights"
        elif not touched:
            yield f"step {method!r} touches no layer: max_bits = {most}, and no weights have so few bits"


def touching(stage: str, kind: Kind, steps: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(method, given) for method, given in steps if kind.bits <= given.max_bits and stage_of(method) == stage]


def _module(method: str) -> Any:
    return import_module(f"{__name__}.{method}")
