"""The memory plan: where in the arena each activation lies.

Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 4.2), tried in
several orders; the smallest plan wins, the first of equals, so that the plan is the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgeq_host.graph import Graph, Tensor
from edgeq_runtime import lists, packing

STEP = 16  # bytes; every activation starts at a multiple (SPEC.md 3.2)
IN_PLACE = ("add_s8",)  # operators that may write over an input of the same size (SPEC.md 3.2)


@dataclass(eq=False)
class _Block:
    """Tensors that share one place, and the operators [first, last] over which it must be kept."""

    names: list[str]
    bytes: int
    first: int
    last: int
    offset: int = -1


def tensor_bytes(tensor: Tensor) -> int:
    """As it is stored (SPEC.md 3.2): a constant is packed; a row of signs that is computed is whole words."""
    count = math.prod(tensor.shape)
    if tensor.data is not None:
        return packing.packed_bytes(count, tensor.dtype)
    if tensor.dtype == packing.SIGNS:
        row = tensor.shape[-1] if tensor.shape else 1
        return count // row * (-(-row // 32) * 4)
    return count * lists.qtypes()[tensor.dtype].bits // 8


def plan(graph: Graph, keep_all: bool = False) -> tuple[dict[str, int], int]:
    """Offsets by activation, and the end of the last one in bytes. keep_all: none share a place but those that a reshape ties.

    Additions write over an input where that costs nothing: an operator that made this input can then run them on its own output.
    """
    if keep_all:
        blocks = _blocks(graph, False)
        for block in blocks:
            block.first, block.last = -1, len(graph.nodes)
        return _best(blocks, orders=1)
    return min((_best(_blocks(graph, in_place)) for in_place in (True, False)), key=lambda found: found[1])


def _best(blocks: list[_Block], orders: int | None = None) -> tuple[dict[str, int], int]:
    ways: list[Callable[[_Block], tuple[int, int]]] = [
        lambda b: (-b.bytes, b.first),
        lambda b: (b.first, -b.bytes),
        lambda b: (-(b.last - b.first), -b.bytes),
        lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    ]
    best: tuple[int, dict[str, int]] | None = None
    for order in ways[:orders]:
        end = _place(sorted(blocks, key=order))
        if best is None or end < best[0]:
            best = end, {name: block.offset for block in blocks for name in block.names}
    assert best is not None
    return best[1], best[0]


def _blocks(graph: Graph, in_place: bool) -> list[_Block]:
    blocks: dict[str, _Block] = {}
    last = _last_uses(graph)

    def block(name: str, first: int) -> _Block:
        if name not in blocks:
            blocks[name] = _Block([name], tensor_bytes(graph.tensors[name]), first, first)
        return blocks[name]

    for edge in graph.inputs:
        block(edge.tensor, -1)
    for index, node in enumerate(graph.nodes):
        for name in node.inputs:
            if graph.tensors[name].data is None:
                blocks[name].last = max(blocks[name].last, index)
        for name in node.outputs:
            source = node.inputs[0] if node.op == "reshape" else _overwritten(graph, index, blocks, last) if in_place else None
            if source is not None:
                tied = blocks[source]
                tied.names.append(name)
                blocks[name] = tied
                tied.last = max(tied.last, index)
            else:
                block(name, index)
    for edge in graph.outputs:
        blocks[edge.tensor].last = len(graph.nodes)
    unique = {id(b): b for b in blocks.values()}
    return list(unique.values())


def _last_uses(graph: Graph) -> dict[str, int]:
    """By activation: the last operator that reads it, or their number where it is an output of the graph."""
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    return last | {edge.tensor: len(graph.nodes) for edge in graph.outputs}


def _overwritten(graph: Graph, index: int, blocks: dict[str, _Block], last: dict[str, int]) -> str | None:
    """The input that an operator may write over: as large as its output, and nothing else needs its place from here on.

    The one that the operator before made, where there is a choice.
    """
    node = graph.nodes[index]
    if node.op not in IN_PLACE:
        return None
    places = [blocks.get(name) for name in node.inputs]
    size, before = tensor_bytes(graph.tensors[node.outputs[0]]), graph.nodes[index - 1].outputs if index else ()
    fitting = [
        name
        for name, block in zip(node.inputs, places, strict=True)
        if block is not None and block.bytes == size and places.count(block) == 1 and all(last.get(n, -1) <= index for n in block.names)
    ]
    return next((name for name in fitting if name in before), fitting[0] if fitting else None)


def _place(blocks: list[_Block]) -> int:
    """Put each block at the lowest offset where it meets no placed block that lives at the same time. The end of the last one."""
    placed: list[_Block] = []
    end = 0
    for block in blocks:
        meets = sorted((b for b in placed if b.first <= block.last and block.first <= b.last), key=lambda b: b.offset)
        at = 0
        for other in meets:
            if at + block.bytes <= other.offset:
                break
            at = max(at, -(-(other.offset + other.bytes) // STEP) * STEP)
        block.offset = at
        placed.append(block)
        end = max(end, at + block.bytes)
    return end
