"""edgeq check."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq_host.cli import output, shared


@output.command("check")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Exit 10 where an operator would compute in float32 or a transpose stays.")
@shared.import_options
def command(model: Path, strict: bool, shape: tuple[str, ...], inputs: str | None, outputs: str | None, as_json: bool) -> int:
    """Say whether edgeq can take a model: every unsupported operator with its node, and the cut that makes the model pass.

    \b
    edgeq check model.onnx
    """
    from edgeq_host.check import check
    from edgeq_host.errors import GateError, ModelError

    report = check(model, shared.parse_import(shape, inputs, outputs))
    if as_json:
        fields = report.as_dict()
        output.document(fields.pop("schema"), **fields)
    else:
        for line in report.lines():
            output.line(line)
    if not report.ok:
        return ModelError.code
    return GateError.code if strict and report.remarks else 0
