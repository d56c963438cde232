"""edgeq run."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from edgeq_host.cli import output, shared, target


@output.command("run")
@click.argument("model", metavar="FILE|NAME")
@click.option(
    "-i",
    "--input",
    "inputs",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help=".npy, or an image where the model's input is one; once per input, in order.",
)
@click.option("-o", "--output", "outputs", multiple=True, type=click.Path(path_type=Path), help=".npy to write; once per output, in order.")
@target.board_option(required=False)
@click.option("--variant", help="A precision of the file; default: its first.")
@target.threads_option
def command(
    model: str, inputs: tuple[Path, ...], outputs: tuple[Path, ...], board: str | None, variant: str | None, threads: int, as_json: bool
) -> None:
    """One inference, here or on a board: arrays in and out as the source model has them.

    \b
    edgeq run model --board local --input x.npy -o y.npy
    """
    shared.guard_outputs(outputs, [Path(model), *inputs], ".npy")
    from edgeq_host.arrays import read_inputs, save_arrays
    from edgeq_host.provenance import recorded_by

    name, file = target.file_or_name(model, board is not None)
    opened = target.opened(model, board, variant, threads)
    with opened if board is not None else nullcontext():
        values = read_inputs(inputs, opened.inputs, lambda: recorded_by(opened, file, name)[0])
        result = opened.run(values)
    results: list[Any] = list(result) if isinstance(result, (list, tuple)) else [result]
    save_arrays(outputs, results)
    if as_json:
        fields = [{"name": e.name, "shape": list(y.shape), "values": y.reshape(-1)} for e, y in zip(opened.outputs, results, strict=True)]
        output.document("edgeq.run/1", model=model, board=board or "", outputs=fields, files=[str(p) for p in outputs])
        return
    for i, (edge, y) in enumerate(zip(opened.outputs, results, strict=True)):
        place = f" -> {outputs[i]}" if i < len(outputs) else ""
        flat = y.reshape(-1)
        shown = " ".join(f"{v:.5g}" for v in flat[:10]) + (" ..." if flat.size > 10 else "")
        output.line(f"{edge.name} {y.dtype} {list(y.shape)}{place}: {shown}")
