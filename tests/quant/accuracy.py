"""python -m tests.quant.accuracy writes docs/accuracy.md: what int8, narrower weights, and int16 activations cost on real networks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgeq_host.export import Score
from edgeq_host.importers import load
from edgeq_host.metrics import Difference, compare
from edgeq_host.produce import Source, pack_graph
from edgeq_host.quant import quantize, quantize_reported
from edgeq_host.quant.calibrators import METHODS
from edgeq_host.recipe import Recipe
from edgeq_host.scores import outcome, output_sqnr
from tests.quant.networks import NETWORKS, Network, data, keyword_spotting, mnist, tenths, with_int8_weights

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "accuracy.md"
LOWEST_DB = 15.0
EXPLAINED = {
    "MobileNetV1 0.25": "the output is a softmax over 1001 classes, scored on parts of pictures of which the network is seldom sure: the "
    "median of its largest probability is 0.10, and only 3 of the 24 are above 0.5 (on those float and int8 decide alike, on the others "
    "62 % of the time). No layer is bad by itself: `edgeq diagnose` shows each far better alone than accumulated, so the noise of 27 "
    "layers in a row adds up, more from the activations than from the weights: those of 16 bits get most of it back (the columns beside). "
    "The other calibrators measured lower. What would help int8 (equalized ranges, training with quantization) has not been tried.",
}


@dataclass(frozen=True)
class Labelled:
    model: str
    method: str
    real: Score
    made: Score
    difference: Difference
    agreement: Score


INT8 = tuple(Recipe(calibrator=method) for method in METHODS[1:])
NARROW = (
    Recipe("w4a8"),
    Recipe("w4a8", group=32),
    Recipe("w3a8"),
    Recipe("w2a8"),
    Recipe("ternary"),
    Recipe("w4a4"),
    Recipe("int8,w4a8", nested=True),
)
NESTED = ("Visual wake words", "ResNet-8")


@dataclass(frozen=True)
class Output:
    network: str
    output: str
    sqnr_db: float
    wide_db: float
    weights_db: float
    same_decision: float | None
    wide_decision: float | None


def labelled(assets: Path, recipes: Iterable[Recipe]) -> list[Labelled]:
    found = []
    for model, read in (("kws_ref_model_float32.tflite", keyword_spotting), ("mnist_valid_f.tflite", mnist)):
        graph = load(assets / "models" / model)
        samples, rest = tenths(*read(assets))
        real = outcome(graph, rest, "top1")
        for recipe, precision in ((r, p) for r in recipes for p in r.precisions):
            made = quantize_reported(graph, samples, recipe, precision=precision).graph
            top1 = outcome(made, rest, "top1")
            agreement = outcome(made, rest, "agreement", graph).score
            name = f"{precision.name}, nested" if recipe.nested else named(recipe)
            found.append(Labelled(model, name, real.score, top1.score, compare(real, top1), agreement))
    return found


def nested(assets: Path, network: Network) -> str:
    """A row of the table of nested networks."""
    graph = load(assets / "models" / network.file)
    calibration, scored = data(network.inputs(assets, False)), data(network.inputs(assets, True))
    made = [
        pack_graph(graph, Source(None, r, calibration, name="net")) for r in (Recipe(), Recipe("w4a8"), Recipe("int8,w4a8", nested=True))
    ]
    decibels = [output_sqnr(v.graph, graph, scored)[0] for packed in made for v in packed.variants]
    cells = (network.title, *(str(len(packed.data)) for packed in made), *(f"{db:.1f}" for db in decibels))
    return f"| {' | '.join(cells)} |"


def named(recipe: Recipe) -> str:
    """What tells a recipe from the others of its table."""
    if recipe.precision == "int8":
        return recipe.calibrator
    options = [f"groups of {recipe.group}"] if recipe.group else []
    options += [f"{recipe.calibrator} {value}" for value in recipe.options.values()]
    return ", ".join([recipe.precision, *options])


def outputs(assets: Path, network: Network) -> list[Output]:
    graph = load(assets / "models" / network.file)
    result = quantize_reported(graph, ([x] for x in network.inputs(assets, False)), Recipe())
    assert not result.islands, result.islands
    scored = data(network.inputs(assets, True))
    wide = quantize(graph, ([x] for x in network.inputs(assets, False)), Recipe(precision="w8a16"))
    total, sixteen = output_sqnr(result.graph, graph, scored), output_sqnr(wide, graph, scored)
    weights = output_sqnr(with_int8_weights(graph, result.graph), graph, scored)
    rows = zip(graph.outputs, total, sixteen, weights, strict=True)
    decides = graph.nodes[-1].op == "softmax_f32" and len(graph.outputs) == 1
    same = [outcome(g, scored, "agreement", graph).score.value if decides else None for g in (result.graph, wide)]
    return [Output(network.title, edge.name, t, s, w, *same) for edge, t, s, w in rows]


def table(scores: list[Labelled], head: str) -> list[str]:
    lines = [f"| model | {head} | n | float top-1 | top-1 | difference | agreement |", "|---|---|---|---|---|---|---|"]
    for s in scores:
        change = f"{100 * s.difference.value:+.2f} ({100 * s.difference.low:+.2f} to {100 * s.difference.high:+.2f})"
        noise = ", within noise" if s.difference.within_noise else ""
        cells = (s.model, s.method, str(s.real.samples), f"{100 * s.real.value:.2f} %", f"{100 * s.made.value:.2f} %", change + noise)
        lines.append(f"| {' | '.join(cells)} | {100 * s.agreement.value:.2f} % |")
    return lines


def render(scores: list[Labelled], narrow: list[Labelled], both: list[str], rows: list[Output]) -> str:
    lines = [
        "# Accuracy of static quantization",
        "",
        "Written by `python -m tests.quant.accuracy`. float is the source evaluated in float32, int8 what `edgeq quantize` makes of it.",
        "",
        "## With labels",
        "",
        "Calibrated on every tenth sample, scored on the others. Difference: paired, with its 95 % interval, in percentage points.",
        "",
        *table(scores, "calibrator"),
        "",
        "## Narrow weights",
        "",
        "First and last layers are int8, depthwise layers are stored with at least 4 bits; steps are the default ones: MSE ranges, GPTQ,",
        "bias correction. The same samples.",
        "",
        *table(narrow, "precision"),
        "",
        "Nested int8 and w4a8, one file, beside each alone; the samples of the next section.",
        "",
        "| network | bytes: int8 | w4a8 | nested, both | dB: int8 | w4a8 | nested int8 | nested w4a8 |",
        "|---|---|---|---|---|---|---|---|",
        *both,
        "",
        "## Without labels",
        "",
        "Signal to quantization noise of each output, min-max calibrated on 96 inputs and measured on 24 others (parts of three pictures,",
        "left and right; the anomaly detector on log-mel windows of speech, which is not what it was trained on). w8a16: int16 activations",
        "(a softmax at the end stays int8). Weights alone: int8 weights and biases with float activations. Same decision: share of inputs",
        "with the same largest output.",
        "",
        "| network | output | int8 dB | w8a16 dB | weights alone dB | same decision, int8 | w8a16 |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        same = ["" if d is None else f"{100 * d:.0f} %" for d in (r.same_decision, r.wide_decision)]
        lines.append(f"| {r.network} | {r.output} | {r.sqnr_db:.1f} | {r.wide_db:.1f} | {r.weights_db:.1f} | {' | '.join(same)} |")
    low = sorted({r.network for r in rows if r.sqnr_db < LOWEST_DB})
    lines += ["", f"## Under {LOWEST_DB:.0f} dB", ""]
    lines += [f"- **{name}**: {EXPLAINED[name]}" for name in low] or ["None."]
    return "\n".join(lines) + "\n"


def assets_or_exit() -> Path:
    assets = Path(os.environ.get("EDGEQ_ASSETS", ROOT.parent / "shared" / "assets"))
    if not (assets / "models").is_dir():
        sys.exit(f"no models at {assets}: set EDGEQ_ASSETS")
    return assets


def main() -> None:
    assets = assets_or_exit()
    rows = [row for n in NETWORKS for row in outputs(assets, n)]
    both = [nested(assets, n) for n in NETWORKS if n.title in NESTED]
    PAGE.write_text(render(labelled(assets, INT8), labelled(assets, NARROW), both, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
