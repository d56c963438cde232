"""edgeq quantize."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq_host.cli import output, shared

if TYPE_CHECKING:
    from edgeq_host.produce import Packed
    from edgeq_host.recipe import Recipe


@output.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="The file to write; default: MODEL's stem + .eqm, here.")
@click.option("--calibration", metavar="DATA", help=".npz, .npy or image folder; 'random' for timing only.")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data: score the float and the quantized model on it.")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="TOML: everything below and preprocessing. Flags win.")
@click.option("--precision", help="int8 (w8a8) or float32.")
@click.option("--calibrator", help="minmax, moving-average, percentile or mse.")
@click.option("--metric", help="top1, top5, auc, mse, mae, agreement or FILE.py:FUNCTION.")
@click.option("--seed", type=int, help="For --calibration random.")
@click.option("--name", help="The model's name in the file; default: the stem of the output.")
@shared.import_options
def command(
    model: Path,
    target: Path | None,
    calibration: str | None,
    data: Path | None,
    recipe_file: Path | None,
    name: str | None,
    shape: tuple[str, ...],
    inputs: str | None,
    outputs: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Make a packed int8 model from ONNX, TFLite or an exported PyTorch program.

    \b
    edgeq quantize model.onnx --calibration calib.npz --data test.npz --precision int8 -o model.eqm
    """
    from edgeq_host.errors import UsageError
    from edgeq_host.importers import format_of
    from edgeq_host.produce import Source, model_name, produce

    format_of(model)  # what is no model is not said to be an output
    file = target or Path(f"{model.stem}.eqm")
    shared.guard_outputs([file], [model, Path(calibration or ""), data, recipe_file], ".eqm")
    if name is not None and model_name(Path(f"{name}.eqm")) != name:
        raise UsageError(
            f"--name {name}: a name has letters, digits, '_', '-' and '.', at most 63", f"for example {model_name(Path(name))}"
        )
    source = Source(
        model=model,
        recipe=_recipe(recipe_file, flags),
        calibration=calibration,
        score=None if data is None else str(data),
        options=shared.parse_import(shape, inputs, outputs),
        name=name or model_name(file),
    )
    with output.bar("calibrating and scoring" if data else "calibrating") as progress:
        packed = produce(replace(source, progress=progress))
    packed.save(file)
    for warning in packed.warnings:
        output.note(f"warning: {warning}")
    for island in packed.islands:
        output.note(f"note: {island.op} '{island.node}' computes in float32: {island.reason}")
    if as_json:
        output.document("edgeq.quantize/1", **_document(packed, file))
    else:
        _print(packed, file)


def _recipe(file: Path | None, flags: dict[str, Any]) -> Recipe:
    from edgeq_host import recipe

    base = recipe.read(file) if file else recipe.Recipe()
    given = {key: value for key, value in flags.items() if value is not None}
    if "calibrator" in given and given["calibrator"] != base.calibrator:
        given["options"] = {}
    return replace(base, **given)


def _document(packed: Packed, file: Path) -> dict[str, Any]:
    from edgeq_host.inspect import inspect

    view = inspect(packed.data, str(file))
    first = view.variants[0]
    variant: dict[str, Any] = {"name": first.name, "precision": first.name}
    fields: dict[str, Any] = {"islands": [asdict(i) for i in packed.islands], "warnings": list(packed.warnings)}
    if packed.comparison is not None:
        score = packed.comparison.score
        variant[score.metric] = score.value
        fields["score"] = {
            "float": asdict(packed.comparison.float_score),
            first.name: asdict(score),
            "difference": asdict(packed.comparison.difference) | {"within_noise": packed.comparison.difference.within_noise},
        }
    return {
        "file": str(file),
        "bytes": view.bytes,
        "arena_bytes": first.arena_bytes,
        "sha256": view.sha256,
        "variants": [variant],
        **fields,
    }


def _print(packed: Packed, file: Path) -> None:
    from edgeq_host.inspect import inspect

    view = inspect(packed.data, str(file))
    first = view.variants[0]
    output.line(f"{file}: {view.bytes} bytes, arena {first.arena_bytes} bytes, {first.macs} MACs, {len(first.layers)} operators")
    if packed.comparison is None:
        return
    for name, score in (("float", packed.comparison.float_score), (first.name, packed.comparison.score)):
        output.line(f"  {name:<8} {shared.score_text(score)}")
    output.line(f"  change   {shared.difference_text(packed.comparison.difference)}")
