"""edgeq inspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import costs_view, output, target

if TYPE_CHECKING:
    from edgeq_host.inspect import FileView, LayerView, VariantView


@output.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--layers/--no-layers",
    default=True,
    help="List every layer: its kernel, instruction set, packing, weights.",
)
@click.option("--kernels", is_flag=True, help="List the layers with their kernels and nothing else.")
@target.board_option(required=False)
def command(file: Path, layers: bool, kernels: bool, board: str | None, as_json: bool) -> None:
    """Show what an .eqm file holds: inputs, variants, exact memory, kernels, scores, provenance.

    Sizes and kernels are those of this machine; with --board, those of the board: its agent opens the file in memory.

    \b
    edgeq inspect model.eqm
    edgeq inspect model.eqm --kernels --board local
    """
    from edgeq_host.export import read_file
    from edgeq_host.inspect import inspect, on_board

    data = read_file(file)
    view, where = inspect(data, str(file)), "local"
    if board is not None:
        found = target.resolve(board)
        view, where = on_board(view, data, found), found.name
    if as_json:
        first = view.variants[0]
        fields = asdict(view) | {"arena_bytes": first.arena_bytes, "layers": [asdict(layer) for layer in first.layers], "board": where}
        output.document("edgeq.inspect/1", **fields, risks=[], changes=[])
        return
    if not kernels:
        _head(view)
    for variant in view.variants:
        if not kernels:
            _sizes(variant)
        elif len(view.variants) > 1:
            output.line(f"variant {variant.name}:")
        if layers or kernels:
            _layers(variant, view.isas, f"edgeq profile {file}" if board is None else f"edgeq bench kernels --board {where}")


def _head(v: FileView) -> None:
    output.line(f"{v.name}: {output.quantity(v.bytes, 'B')} ({v.bytes} bytes), sha256 {v.sha256[:16]}")
    if v.signed:
        output.line(f"  signed by the key {v.signed.id}, counter {v.signed.counter} (edgeq verify says whether that is true)")
    for side, edges in (("input", v.inputs), ("output", v.outputs)):
        for edge in edges:
            output.line(f"  {side} {edge.name}: {edge.dtype} {list(edge.shape)}")
    if v.labels:
        output.line(f"  labels: {', '.join(v.labels)}")
    if v.packed_for:
        output.line(f"  weights also packed for: {', '.join(v.packed_for)}")
    for key, value in v.provenance.items():
        if key in ("recipe", "import_options") and value:
            output.line("\n    ".join([f"  {key}:", *value.splitlines()]))
        elif value:
            output.line(f"  {key}: {value[:16] if key.endswith('sha256') else value}")


def _sizes(v: VariantView) -> None:
    output.line()
    output.line(f"variant {v.name}: {output.counted(v.macs, 'MAC')}, self-test of {output.counted(v.selftest_samples, 'sample')}")
    output.line(f"  arena {v.arena_bytes} bytes (activations {v.activation_bytes}, scratch {v.scratch_bytes})")
    output.line(f"  model memory {v.model_bytes} bytes (packed weights {v.packed_bytes})")
    if v.score:
        s = v.score
        output.line(f"  {s['metric']} {s['value']:.4g} (95 % interval {s['low']:.4g} to {s['high']:.4g}, n = {s['n']})")


def _layers(v: VariantView, isas: Sequence[str], measure: str) -> None:
    costs = [x.cost for x in v.layers]
    rows = [
        [i, x.name, x.op, x.kernel or "-", x.isa, x.packing or "-", x.activations, *_weights(x), x.macs] for i, x in enumerate(v.layers)
    ]
    costs_view.table(["#", "layer", "operator", "kernel", "isa", "packing", "acts", "bits", "of int8", "MACs"], rows, costs)
    for line in costs_view.notes(v.layers, costs, isas, measure):
        output.line(line)


def _weights(x: LayerView) -> tuple[str, str]:
    """Bits of a layer's weights, and its bytes beside those of int8."""
    if x.bits is None or x.of_int8 is None:
        return "-", "-"
    return {"both": "4 + 4 nested", "high": "4 nested"}.get(x.nested or "", str(x.bits)), f"{x.of_int8:.3f}"
