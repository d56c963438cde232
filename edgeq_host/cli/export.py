"""edgeq export."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq_host.cli import output


@click.group("export")
def command() -> None:
    """Write an .eqm file in the format of another engine."""


@output.command("onnx")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option("--variant", default="", help="A precision of the file; default: its first.")
def onnx(file: Path, target: Path, variant: str, as_json: bool) -> None:
    """Write the integers of a variant as ONNX with QuantizeLinear and DequantizeLinear.

    Activations are uint8 (q + 128), inputs and outputs that are int8 in the file too; weights are int8 with a scale per channel.
    Weights may have any width; activations of 1 and 16 bits, and float32, have no form.

    \b
    edgeq export onnx model.eqm -o model.onnx
    """
    from edgeq_host.export import write_file
    from edgeq_host.exporters.onnx import from_file

    model = from_file(file, variant).model
    data = model.SerializeToString()
    write_file(target, data)
    if as_json:
        output.document("edgeq.export/1", format="onnx", file=str(target), bytes=len(data), nodes=len(model.graph.node))
        return
    output.line(f"{target}: {output.quantity(len(data), 'B')}, {len(model.graph.node)} nodes, opset {model.opset_import[0].version}")


command.add_command(onnx)
