"""Where a model can be cut so that the rest passes: the part without the refused operators that keeps most of what computes.

A part runs in one go: nothing that it needs may depend, through what is left out, on what it gives. So with a refused operator goes all
that it needs, or all that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgeq_host.errors import EdgeqError
from edgeq_host.graph import Graph

_PATIENCE = 4_000_000  # operators that may be looked at, over all refused ones: beyond, all go the same way


@dataclass(frozen=True)
class Step:
    """An operator that runs on the device. reads, makes: names of activations. computes: it does more than move elements."""

    reads: tuple[str, ...]
    makes: tuple[str, ...]
    refused: bool
    computes: bool


@dataclass(frozen=True)
class Cut:
    """Names for --inputs and --outputs; empty: those of the model. kept: operators of the source that run in the part."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kept: int = 0


def computes(graph: Graph, first: int = 0) -> bool:
    """Whether a node from `first` on does more than move elements: movers have one row for all types."""
    return any(n.op.endswith(("_f32", "_s8")) for n in graph.nodes[first:])


def best_cut(steps: Sequence[Step], inputs: Sequence[str], outputs: Sequence[str], read: Callable[[Cut], Graph | None]) -> Cut | None:
    """inputs, outputs: the model's. read: the graph of a part, None where it is refused. The largest part that passes is taken."""
    for part in _parts(steps):
        cut = _edges(steps, part, inputs, outputs)
        if any("," in name or not name or name != name.strip() for name in (*cut.inputs, *cut.outputs)):
            continue  # no flag can say it
        try:
            graph = read(cut)
        except EdgeqError:
            continue
        if graph is not None and computes(graph):
            return cut
    return None


def _parts(steps: Sequence[Step]) -> list[set[int]]:
    """Parts to try, those that compute most first; among equals what stands in front of the refused operators."""
    needs, needed = _neighbours(steps)
    refused = {i for i, step in enumerate(steps) if step.refused}
    every = set(range(len(steps)))
    found = [every - _closed(refused, needed), every - _closed(refused, needs)]
    if len(refused) * len(steps) <= _PATIENCE:
        found.append(_each_its_way(steps, refused, needs, needed))
    found = [_connected(steps, part, needs, needed) for part in found]
    return sorted(filter(None, found), key=lambda part: -_weight(steps, part))


def _each_its_way(steps: Sequence[Step], refused: set[int], needs: list[set[int]], needed: list[set[int]]) -> set[int]:
    """Every refused operator takes with it the side that computes less."""
    part = set(range(len(steps))) - refused
    for i in sorted(refused):
        before, after = (_closed({i}, way) & part for way in (needs, needed))
        part -= before if _weight(steps, before) < _weight(steps, after) else after
    return part


def _connected(steps: Sequence[Step], part: set[int], needs: list[set[int]], needed: list[set[int]]) -> set[int]:
    """Without the pieces that only move elements."""
    both = [(needs[i] | needed[i]) & part for i in range(len(steps))]
    kept: set[int] = set()
    for i in sorted(part):
        if steps[i].computes and i not in kept:
            kept |= _closed({i}, both)
    return kept


def _neighbours(steps: Sequence[Step]) -> tuple[list[set[int]], list[set[int]]]:
    """By step: those that it needs, and those that need it."""
    makers = {name: i for i, step in enumerate(steps) for name in step.makes}
    needs = [{makers[name] for name in step.reads if name in makers} for step in steps]
    needed: list[set[int]] = [set() for _ in steps]
    for i, others in enumerate(needs):
        for other in others:
            needed[other].add(i)
    return needs, needed


def _closed(start: Iterable[int], edges: list[set[int]]) -> set[int]:
    """Everything that can be reached, the start too."""
    found = set(start)
    waiting = list(found)
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _weight(steps: Sequence[Step], part: Iterable[int]) -> int:
    return sum(steps[i].computes for i in part)


def _edges(steps: Sequence[Step], part: set[int], inputs: Sequence[str], outputs: Sequence[str]) -> Cut:
    own = [steps[i] for i in sorted(part)]
    made = [name for step in own for name in step.makes]
    outside = {name for i, step in enumerate(steps) if i not in part for name in step.reads} | set(outputs)
    reads = dict.fromkeys(name for step in own for name in step.reads if name not in set(made))
    gives = [name for name in made if name in outside]
    own_inputs = not set(reads) - set(inputs)
    return Cut(() if own_inputs else tuple(reads), () if set(gives) == set(outputs) else tuple(gives), len(part))
