"""edgeq diagnose."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output


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
    layers = diagnose(pair.float_graph, pair.quantized, pair.data(data), samples)
    if as_json:
        output.document("edgeq.diagnose/1", layers=[asdict(layer) for layer in layers])
        return
    rows = [
        (
            x.name,
            x.op,
            f"{x.alone_db:.1f}",
            f"{x.accumulated_db:.1f}",
            f"{100 * x.clipped:.2f}",
            f"{x.seen[0]:.4g} .. {x.seen[1]:.4g}",
            f"{x.calibrated[0]:.4g} .. {x.calibrated[1]:.4g}" + (" !" if x.outside else ""),
        )
        for x in layers
    ]
    output.table(["layer", "operator", "SQNR alone dB", "accumulated dB", "clipped %", "input seen", "input calibrated"], rows, left=2)
    if any(x.outside for x in layers):
        output.line("! the data goes beyond the calibrated range: calibrate with data like it")
