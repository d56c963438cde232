"""Layers that run portable, as plan and inspect show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edgeq_host.cli import output

if TYPE_CHECKING:
    from edgeq_host.costs import Cost
    from edgeq_host.layer import Layer


def table(columns: list[str], rows: list[list[object]], costs: Sequence[Cost | None]) -> None:
    """Of layers; with their costs where there are any."""
    if any(costs):
        columns, rows = [*columns, "cost"], [[*row, _text(cost)] for row, cost in zip(rows, costs, strict=True)]
    output.table(columns, rows, left=6)


def _text(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    amount = f"{cost.amount:.3g} us" if cost.unit == "us" else output.quantity(round(cost.amount), "") + f" {cost.unit}"
    return amount + (f", {cost.of_int8:.2g}x int8" if cost.of_int8 is not None else "")


def notes(layers: Sequence[Layer], costs: Sequence[Cost | None], isas: Sequence[str], measure: str) -> Iterator[str]:
    """measure: the command that measures it there."""
    from edgeq_host.costs import is_portable

    portable = [layer for layer in layers if is_portable(layer)]
    if not portable:
        return
    fast = ", ".join(name for name in isas if name != "portable")
    why = f"{fast} without a kernel for their widths or shapes" if fast else "no instruction set with faster kernels is in use there"
    counted, without = output.counted(sum(bool(x.kernel) for x in layers), "layer"), sum(not x.kernel for x in portable)
    also = f", and {output.counted(without, 'operator')} without one" if without else ""
    yield f"portable: {len(portable) - without} of {counted} with kernels{also}; {why}"
    for source, where in dict.fromkeys((cost.source, cost.where) for cost in costs if cost is not None):
        if source == "modelled":
            yield f"cost: expected, modelled from {where}"
        else:
            yield f"cost: expected, as {source} on {where}; {measure} measures it there"
