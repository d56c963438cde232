"""edgeq diagnose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import output

if TYPE_CHECKING:
    from edgeq_host.diagnose import Diagnosis

SHOWN = 3  # operators of a row, and names of a note


@output.command("diagnose")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Samples to run through both.")
@click.option("--samples", default=100, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@click.option("--variant", help="Of FILE; default: the first.")
def command(source: Path, file: Path, data: Path, samples: int, variant: str | None, as_json: bool) -> None:
    """Show per layer what quantization loses: SOURCE is the float model that FILE was made from.

    \b
    edgeq diagnose model.onnx model.eqm --data test.npz
    """
    from edgeq_host.diagnose import diagnose
    from edgeq_host.pair import open_pair

    pair = open_pair(source, file, variant)
    found = diagnose(pair.float_graph, pair.quantized, pair.data(data), samples)
    if as_json:
        output.document("edgeq.diagnose/1", **asdict(found))
        return
    rows = [
        (
            x.name,
            _operators(x.ops),
            f"{x.alone_db:.1f}",
            f"{x.accumulated_db:.1f}",
            f"{100 * x.clipped:.2f}",
            f"{x.seen[0]:.4g} .. {x.seen[1]:.4g}",
            f"{x.calibrated[0]:.4g} .. {x.calibrated[1]:.4g}" + (" !" if x.outside else ""),
        )
        for x in found.layers
    ]
    output.table(["layer", "operator", "SQNR alone dB", "accumulated dB", "clipped %", "input seen", "input calibrated"], rows, left=2)
    for line in _notes(found, len(pair.quantized.nodes)):
        output.line(line)


def _operators(ops: Sequence[str]) -> str:
    return " + ".join(ops if len(ops) <= SHOWN else (f"{len(ops) - 1} operators", ops[-1]))


def _notes(found: Diagnosis, count: int) -> Iterator[str]:
    """count: of all operators."""
    if any(x.outside for x in found.layers):
        yield "! the data goes beyond the calibrated range: calibrate with data like it"
    joined = dict.fromkeys(name for x in found.layers for name in x.before)
    if joined:
        yield (
            f"+ {len(joined)} of {output.counted(count, 'operator')} measured together with the one behind, "
            f"as the float model has no such value: {_some(joined)}"
        )
    behind = sum(x.behind_signs for x in found.layers)
    if behind:
        yield (
            f"{output.counted(behind, 'row')} behind signs that the float model does not have: calibrated ranges there are those of the "
            "network with signs, and calibration does not help; train it with signs (docs/quantize.md), or take activations of 8 bits"
        )
    reasons = dict.fromkeys(x.reason for x in found.not_compared)
    for reason in reasons:
        names = [f"{x.name} ({x.op})" for x in found.not_compared if x.reason == reason]
        yield f"not compared, {len(names)} of {output.counted(count, 'operator')}: {reason}: {_some(names)}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
