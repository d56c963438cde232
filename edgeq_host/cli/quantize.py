"""edgeq quantize."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq_host.cli import output, shared

if TYPE_CHECKING:
    from edgeq_host.produce import Made, Packed, Source
    from edgeq_host.recipe import Recipe


@output.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="The file to write; default: MODEL's stem + .eqm, here.")
@click.option("--calibration", metavar="DATA", help=".npz, .npy or image folder; 'random' for timing only.")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data: score the float and the quantized model on it.")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="TOML: everything below and preprocessing. Flags win.")
@click.option("--precision", help="int8, w4a8, ternary, float32, ... (w<weight bits>a<activation bits>); with commas: one file of several.")
@click.option("--nested", is_flag=True, default=None, help="int8 and w4a8 in one file: int4 is the upper half of int8's weights.")
@click.option("--group", type=int, help="32, 64 or 128 inputs share a multiplier, in weights of at most 4 bits.")
@click.option("--int8-ends/--no-int8-ends", default=None, help="First and last layers are int8 in every variant (the default).")
@click.option("--calibrator", help="auto, minmax, moving-average, percentile or mse.")
@click.option("--metric", help="top1, top5, auc, mse, mae, agreement or FILE.py:FUNCTION.")
@click.option("--seed", type=int, help="For --calibration random.")
@click.option("--name", help="The model's name in the file; default: the stem of the output.")
@click.option("--dry-run", is_flag=True, help="Calibrate, say how many bytes the file would have, and write nothing.")
@shared.import_options
def command(
    model: Path,
    target: Path | None,
    calibration: str | None,
    data: Path | None,
    recipe_file: Path | None,
    name: str | None,
    dry_run: bool,
    shape: tuple[str, ...],
    inputs: str | None,
    outputs: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Make a packed model of integers from ONNX, TFLite or an exported PyTorch program.

    \b
    edgeq quantize model.onnx --calibration calib.npz --data test.npz --precision int8 -o model.eqm
    edgeq quantize model.onnx --calibration calib.npz --precision int8,w4a8 -o both.eqm
    edgeq quantize model.onnx --calibration calib.npz --precision int8,w4a8 --nested -o nested.eqm
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
    if dry_run:
        _predict(source, file, as_json)
        return
    with output.bar("calibrating and scoring" if data else "calibrating") as progress:
        packed = produce(replace(source, progress=progress))
    packed.save(file)
    for warning in packed.warnings:
        output.note(f"warning: {warning}")
    for variant in packed.variants:
        for island in variant.islands:
            output.note(f"note: {variant.name}: {island.op} '{island.node}' computes in float32: {island.reason}")
    if as_json:
        output.document("edgeq.quantize/1", **_document(packed, file))
    else:
        _print(packed, file)


def _predict(source: Source, file: Path, as_json: bool) -> None:
    from edgeq_host.produce import predicted_bytes

    with output.bar("calibrating") as progress:
        size = predicted_bytes(replace(source, progress=progress))
    if as_json:
        output.document("edgeq.quantize-dry-run/1", file=str(file), bytes=size, written=False)
    else:
        output.line(f"{file} would have {size} bytes; nothing was written")


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
    variants = []
    for made in packed.variants:
        variant: dict[str, Any] = {"name": made.name, "precision": made.name, "islands": [asdict(i) for i in made.islands]}
        if made.comparison is not None:
            variant[made.comparison.score.metric] = made.comparison.score.value
        variants.append(variant | _scores(made))
    return {
        "file": str(file),
        "bytes": view.bytes,
        "written": True,
        "arena_bytes": view.variants[0].arena_bytes,
        "sha256": view.sha256,
        "variants": variants,
        "islands": variants[0]["islands"],
        "warnings": list(packed.warnings),
        **_scores(packed.variants[0]),
    }


def _scores(made: Made) -> dict[str, Any]:
    """The score of a variant beside that of the float model, where there is data."""
    if made.comparison is None:
        return {}
    difference = asdict(made.comparison.difference) | {"within_noise": made.comparison.difference.within_noise}
    return {"score": {"float": asdict(made.comparison.float_score), made.name: asdict(made.comparison.score), "difference": difference}}


def _print(packed: Packed, file: Path) -> None:
    from edgeq_host.inspect import inspect

    view = inspect(packed.data, str(file))
    sizes = [
        f"arena {v.arena_bytes} bytes, {output.counted(v.macs, 'MAC')}, {output.counted(len(v.layers), 'operator')}" for v in view.variants
    ]
    if len(sizes) == 1:
        output.line(f"{file}: {view.bytes} bytes, {sizes[0]}")
    else:
        output.line(f"{file}: {view.bytes} bytes")
        for variant, size in zip(view.variants, sizes, strict=True):
            output.line(f"  {variant.name:<8} {size}")
    if packed.comparison is not None:
        output.line(f"  {'float':<8} {shared.score_text(packed.comparison.float_score)}")
    for made in packed.variants:
        if made.comparison is not None:
            output.line(f"  {made.name:<8} {shared.score_text(made.comparison.score)}")
            output.line(f"  change   {shared.difference_text(made.comparison.difference)}")
