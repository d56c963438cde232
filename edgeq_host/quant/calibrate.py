"""Ranges of activations from samples, run on the float operators of the C core one at a time: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from edgeq_host.errors import ModelError
from edgeq_host.graph import Array, Graph
from edgeq_host.quant import calibrators
from edgeq_host.quant.affine import Affine, affine
from edgeq_host.quant.constraints import Group
from edgeq_host.session import Session

if TYPE_CHECKING:
    from edgeq_host.recipe import Recipe


def calibrate(
    graph: Graph, groups: list[Group], samples: Iterable[list[Array]], recipe: Recipe, isas: int | None = None
) -> tuple[dict[Group, Affine], int]:
    """The quantization of every group, and the number of samples."""
    session = Session(graph, keep_all=True, isas=isas)
    observers = {group: calibrators.make(recipe.calibrator, dict(recipe.options)) for group in groups}
    count = 0
    for sample in samples:
        session.run(*sample)
        for group, observer in observers.items():
            observer.observe(_values(session, group, count))
        count += 1
    if not count:
        raise ModelError("the calibration data holds no samples", "give at least 64 that look like what the device will see")
    return {group: affine(*observer.range()) for group, observer in observers.items()}, count


def _values(session: Session, group: Group, sample: int) -> Array:
    parts = []
    for name in group.sources:
        values = session.tensor(name).reshape(-1)
        if not np.isfinite(values).all():
            message = f"calibration sample {sample} makes values that are not finite in {name}"
            raise ModelError(message, "remove the sample, or check the model in float")
        parts.append(values)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
