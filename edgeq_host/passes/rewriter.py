"""One sweep of a rewrite over a graph. A rewrite looks at a node and says what stands in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Array, Attrs, Graph, Node, Quant, Tensor

Rewrite = Callable[["Rewriter", Node], "list[Node] | None"]
"""None: leave the node. Else the nodes in its place: they make its outputs, or `Rewriter.rename` has said what does."""


class Rewriter:
    """The graph during a sweep, with its producers and consumers kept up to date."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers: dict[str, Node] = {}
        self.readers: dict[str, list[Node]] = {}
        self.renamed: dict[str, str] = {}
        self.made = {e.tensor for e in graph.inputs}  # activations that stand before the node on offer
        self._names = set(graph.tensors)
        for node in graph.nodes:
            self._register(node)

    def sweep(self, rewrite: Rewrite) -> bool:
        """Offer every node once, in order; True when something changed."""
        done: list[Node] = []
        changed = False
        for original in self.graph.nodes:
            node = self._with_new_names(original)
            found = rewrite(self, node)
            if found is None:
                found = [node]
            else:
                changed = True
                self._forget(node)
                for new in found:
                    self._register(new)
            done += found
            self.made.update(o for n in found for o in n.outputs)
        self.graph.nodes = done
        if self.renamed:
            self.graph.outputs = [replace(e, tensor=self.current(e.tensor)) for e in self.graph.outputs]
        if changed:
            remove_dead(self.graph)
        return changed

    def current(self, name: str) -> str:
        while name in self.renamed:
            name = self.renamed[name]
        return name

    def _with_new_names(self, node: Node) -> Node:
        if not any(i in self.renamed for i in node.inputs):
            return node
        self._forget(node)
        node = replace(node, inputs=tuple(self.current(i) for i in node.inputs))
        self._register(node)
        return node

    def _register(self, node: Node) -> None:
        for name in node.outputs:
            self.makers[name] = node
        for name in set(node.inputs):
            self.readers.setdefault(name, []).append(node)

    def _forget(self, node: Node) -> None:
        for name in {*node.inputs, *map(self.current, node.inputs)}:
            self.readers[name] = [n for n in self.readers.get(name, ()) if n is not node]

    # questions
    def tensor(self, name: str) -> Tensor:
        return self.graph.tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.graph.tensors[name].shape

    def constant(self, name: str) -> Tensor | None:
        tensor = self.graph.tensors[name]
        return tensor if tensor.data is not None else None

    def maker(self, name: str, op: str = "") -> Node | None:
        """The node that makes `name`, where it is of this operator."""
        node = self.makers.get(name)
        return node if node is not None and (not op or node.op == op) else None

    def is_output(self, name: str) -> bool:
        return any(self.current(e.tensor) == name for e in self.graph.outputs)

    def sole_reader(self, name: str) -> bool:
        """One node reads it and no output shows it: its values may change together with that node."""
        return len(self.readers.get(name, ())) == 1 and not self.is_output(name)

    def absorbable(self, name: str) -> bool:
        """Only one node reads it, and no source's scale is lost with it."""
        return self.sole_reader(name) and self.tensor(name).quant is None

    # changes
    def new(
        self, like: str, shape: Sequence[int], *, quant: Quant | None = None, dtype: str | None = None, data: Array | None = None
    ) -> str:
        """A new tensor named after `like`."""
        count = 2
        while (name := f"{like}.{count}") in self._names:
            count += 1
        self._names.add(name)
        kind = dtype or self.tensor(like).dtype
        self.graph.tensors[name] = Tensor(name, tuple(int(d) for d in shape), kind, data, quant)
        return name

    def new_constant(self, like: str, data: Array, quant: Quant | None = None) -> str:
        kind = self.tensor(like).dtype if quant is not None or data.dtype.kind != "f" else "f32"
        return self.new(like, data.shape, quant=quant, dtype=kind, data=np.ascontiguousarray(data))

    def retyped(self, name: str, **fields: object) -> None:
        self.graph.tensors[name] = replace(self.graph.tensors[name], **fields)  # type: ignore[arg-type]

    def rename(self, old: str, new: str) -> None:
        """Whoever reads `old` reads `new` from here on, and counts as its reader at once."""
        self.renamed[old] = new
        known = self.readers.setdefault(new, [])
        known += [n for n in self.readers.get(old, ()) if all(n is not k for k in known)]

    def moved(self, op: str, x: str, shape: Sequence[int], attrs: Attrs, out: str | None = None) -> Node:
        """A node that only moves the elements of x, into `out` or a new tensor that carries the quantization of x."""
        held = self.tensor(x)
        made = out or self.new(x, shape, quant=held.quant if held.data is None else None)
        return Node(op, made, (x,), (made,), attrs)


def remove_dead(graph: Graph) -> None:
    """Drop nodes whose outputs nothing reads, and tensors that nothing names."""
    live = {e.tensor for e in graph.outputs}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(o in live for o in node.outputs):
            kept.append(node)
            live.update(node.inputs)
            live.update(node.outputs)
    graph.nodes = kept[::-1]
    live.update(e.tensor for e in graph.inputs)
    graph.tensors = {name: t for name, t in graph.tensors.items() if name in live}
