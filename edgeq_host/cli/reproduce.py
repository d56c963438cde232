"""edgeq reproduce."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output


@output.command("reproduce")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="The source model; default: beside FILE, under its recorded name.")
@click.option("--calibration", type=click.Path(path_type=Path), help="The calibration data; default likewise.")
@click.option("--data", type=click.Path(path_type=Path), help="The scored data; default likewise.")
def command(file: Path, model: Path | None, calibration: Path | None, data: Path | None, as_json: bool) -> int:
    """Build FILE again from its recorded recipe and say whether the bytes are equal.

    \b
    edgeq reproduce model.eqm --model model.onnx --calibration calib.npz
    """
    from edgeq_host.errors import GateError
    from edgeq_host.reproduce import reproduce

    result = reproduce(file, model, calibration, data)
    if as_json:
        output.document("edgeq.reproduce/1", **asdict(result))
    elif result.equal:
        output.line(f"{file}: equal, sha256 {result.sha256}")
    else:
        output.line(f"{file}: differs")
        for line in result.differs:
            output.line(f"  {line}")
    return 0 if result.equal else GateError.code
