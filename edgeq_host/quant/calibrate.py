"""Ranges of activations from samples, run on the float operators of the C core one at a time: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq_host.errors import ModelError
from edgeq_host.export.body import short_name
from edgeq_host.graph import Array, Graph, Node
from edgeq_host.quant import calibrators
from edgeq_host.quant.affine import Affine, affine
from edgeq_host.quant.constraints import Group
from edgeq_host.quant.seen import Means
from edgeq_host.session import Session

if TYPE_CHECKING:
    from edgeq_host.recipe import Recipe


@dataclass
class Statistics:
    """ranges: of every group, for so many levels. means: of every channel of what layers with weights read."""

    ranges: dict[tuple[Group, int], Affine] = field(default_factory=dict)
    means: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    samples: int = 0
    growing: list[str] = field(default_factory=list)  # tensors whose extremes the last fifth of the samples still moved far


@dataclass
class _Growth:
    """When the span of all values seen grew: a few events, since records become rare."""

    low: float = 0.0
    high: float = 0.0
    events: list[tuple[int, float]] = field(default_factory=list)

    def see(self, sample: int, values: Array) -> None:
        low, high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        if (low, high) != (self.low, self.high):
            self.low, self.high = low, high
            self.events.append((sample, high - low))

    def late(self, samples: int) -> bool:
        """The last fifth of the samples widened the span by more than 5 %."""
        before = [span for sample, span in self.events if sample < 0.8 * samples]
        return bool(self.events) and self.events[-1][1] > 1.05 * (before[-1] if before else 0.0)


def calibrate(
    graph: Graph, levels: dict[Group, tuple[int, ...]], samples: Iterable[list[Array]], recipe: Recipe, isas: int | None = None
) -> Statistics:
    """levels: of the groups whose ranges the samples decide."""
    session = Session(graph, keep_all=True, isas=isas)
    observers = {group: calibrators.make(recipe.calibrator_in_force, dict(recipe.options)) for group in levels}
    growth = {group: _Growth() for group in levels}
    found = Statistics()
    means = Means(graph)
    for sample in samples:
        session.run(*sample)
        for group, observer in observers.items():
            values = _values(graph, session, group, found.samples)
            observer.observe(values)
            growth[group].see(found.samples, values)
        means.see(session)
        found.samples += 1
    if not found.samples:
        raise ModelError("the calibration data holds no samples", "give at least 64 that look like what the device will see")
    for group, observer in observers.items():
        found.ranges |= {(group, count): affine(*observer.range(count), count) for count in levels[group]}
    found.growing = [group.members[0] for group, g in growth.items() if g.late(found.samples)]
    found.means = means.found()
    return found


def _values(graph: Graph, session: Session, group: Group, sample: int) -> Array:
    parts = []
    for name in group.sources:
        values = session.tensor(name).reshape(-1)
        if not np.isfinite(values).all():
            refuse_constants(graph, graph.nodes)
            message = f"calibration sample {sample} makes values that are not finite in {name}"
            raise ModelError(message, "remove the sample, or check the model in float")
        parts.append(values)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def refuse_constants(graph: Graph, nodes: list[Node]) -> None:
    """ModelError where these nodes hold what is not finite; thresholds of signs may be infinite."""
    for node in nodes:
        for name in node.inputs if node.op != "sign_f32" else ():
            tensor = graph.tensors[name]
            wrong = 0 if tensor.data is None or not tensor.is_real else int(np.sum(~np.isfinite(tensor.real())))
            if wrong:
                found = f"{short_name(node.name)}: {wrong} of {tensor.real().size} values of its constant {name} are not finite"
                raise ModelError(found, "check the source model: its weights may come from a training that diverged")
