"""edgeq inspect."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output


@output.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layers/--no-layers", default=True, help="List every layer with its kernel on this machine.")
def command(file: Path, layers: bool, as_json: bool) -> None:
    """Show what an .eqm file holds: inputs, variants, exact memory, kernels, scores, provenance.

    \b
    edgeq inspect model.eqm
    """
    from edgeq_host.export import read_file
    from edgeq_host.inspect import FileView, VariantView, inspect

    view = inspect(read_file(file), str(file))
    if as_json:
        first = view.variants[0]
        fields = asdict(view) | {"arena_bytes": first.arena_bytes, "layers": [asdict(layer) for layer in first.layers], "board": "local"}
        output.document("edgeq.inspect/1", **fields, risks=[], changes=[])
        return

    def head(v: FileView) -> None:
        output.line(f"{v.name}: {output.quantity(v.bytes, 'B')} ({v.bytes} bytes), sha256 {v.sha256[:16]}")
        for side, edges in (("input", v.inputs), ("output", v.outputs)):
            for edge in edges:
                output.line(f"  {side} {edge.name}: {edge.dtype} {list(edge.shape)}")
        if v.labels:
            output.line(f"  labels: {', '.join(v.labels)}")
        for key, value in v.provenance.items():
            if value and key != "recipe":
                output.line(f"  {key}: {value[:16] if key.endswith('sha256') else value}")

    def body(v: VariantView) -> None:
        output.line()
        output.line(f"variant {v.name}: {v.macs} MACs, self-test of {v.selftest_samples} samples")
        output.line(f"  arena {v.arena_bytes} bytes (activations {v.activation_bytes}, scratch {v.scratch_bytes})")
        output.line(f"  model memory {v.model_bytes} bytes (packed weights {v.packed_bytes})")
        if v.score:
            s = v.score
            output.line(f"  {s['metric']} {s['value']:.4g} (95 % interval {s['low']:.4g} to {s['high']:.4g}, n = {s['n']})")
        if layers:
            rows = [(i, x.name, x.op, x.kernel or "-", x.isa, x.macs) for i, x in enumerate(v.layers)]
            output.table(["#", "layer", "operator", "kernel", "isa", "MACs"], rows, left=5)

    head(view)
    for variant in view.variants:
        body(variant)
