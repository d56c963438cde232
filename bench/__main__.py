"""make bench: the goals on x86 beside what is measured now, into docs/benchmarks.md. One thread, medians of interleaved rounds."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import assets, goals, measure, narrow, page, signs, tiles
from bench.goals import Goal
from bench.measure import Times
from edgeq_host.bench import kernels, litert, ort, timing
from edgeq_host.bench.compare import Comparison, compare, subject
from edgeq_host.bench.kernels import Report
from edgeq_host.cli import output
from edgeq_runtime import native

COLUMNS = ("edgeq", "edgeq u8", "edgeq avx2", "onnxruntime u8s8", "onnxruntime s8s8", "litert", "onnxruntime f32", "litert f32")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--json", action="store_true", help="print one JSON document; write no page")
    parser.add_argument("--without-amx", action="store_true", help="refuse the tiles of AMX to every engine, as a CPU without them")
    args = parser.parse_args()
    if args.without_amx:
        if not tiles.here():
            sys.exit("this CPU has no AMX: the other run is this one")
        tiles.refuse()
    for why in filter(None, (ort.missing(), litert.missing())):
        sys.exit(f"error: both peers are needed: {why}")
    load = os.getloadavg()[0]  # before this process adds its own
    found, networks, times, speeds = run(args.rounds)
    narrow_times = narrow.all_layers(args.rounds)
    found += narrow.of_layers(narrow_times)
    found += signs.of_signs(signs.measure(args.rounds))
    if args.json:
        layers, few = ({name: t.us for name, t in some.items()} for some in (times, narrow_times))
        fields = {"goals": [asdict(g) for g in found], "networks": [asdict(c) for c in networks], "layers_us": layers, "narrow_us": few}
        output.document("edgeq.bench-goals/1", source="measured", cpu=timing.cpu(), **fields, kernels=asdict(speeds))
        return
    part = "x86 without AMX" if args.without_amx else "x86"
    page.write(part, text(part, found, networks, (times, narrow_times), speeds, args.rounds, load))
    output.table(["goal", "wanted", "measured", "met"], [(g.what, g.wanted, g.measured, "yes" if g.met else "no") for g in found], left=3)
    output.line(f"written to {page.PAGE}")


def run(rounds: int) -> tuple[list[Goal], list[Comparison], dict[str, Times], Report]:
    times = measure.all_layers(rounds)
    found = [subject(path) for path in assets.tflite(goals.NETWORKS)]
    networks = [compare(one, rounds=rounds) for one in found]
    by_name = {goals.NETWORKS[one.name][0]: one for one in found}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.eqm" for name in ("kws", "MobileNetV2")}
        for name, path in files.items():
            path.write_bytes(by_name[name].data)
        sizes = goals.of_sizes(measure.stripped_bytes(), measure.opened(files["MobileNetV2"]), measure.first_inference_us(files["kws"]))
        threads = measure.two_threads(by_name["MobileNetV2"].data, rounds)
        runs = goals.of_runs(threads, measure.stamp_ns(by_name["kws"].data, rounds))
        listed = [*goals.of_layers(times), *goals.of_networks(networks), *runs, *sizes]
    return listed, networks, times, kernels.report(rounds)


def _tiles(part: str) -> str:
    if not tiles.here():
        return ""
    if part == "x86":
        return " This CPU has AMX, which onnxruntime and LiteRT use and edgeq does not."
    return " The tiles of AMX are refused to every engine (`python -m bench --without-amx`): the peers run as on a CPU without them."


def text(
    part: str,
    found: Sequence[Goal],
    networks: Sequence[Comparison],
    times: tuple[dict[str, Times], dict[str, Times]],
    speeds: Report,
    rounds: int,
    load: float,
) -> str:
    layers, few = times
    about = f"{timing.cpu()}; edgeq with {', '.join(native.isas())}; onnxruntime {ort.Ort.version()}, LiteRT {litert.LiteRT.version()}."
    parts = [
        f"## {part}: int8 on one thread\n",
        f"`make bench`: {about} Thread CPU time, medians of {rounds} rounds in which every engine has its turn; all engines are called "
        f"through their C API with inputs and outputs in place. onnxruntime runs what `edgeq export onnx` writes. "
        f"The load before it was {load:.1f} on {os.cpu_count()} CPUs; wall times (two threads, first output) depend on it.{_tiles(part)}\n",
        page.table(["goal", "wanted", "measured", "met"], [(g.what, g.wanted, g.measured, "yes" if g.met else "**no**") for g in found]),
        "\n### Networks, us\n",
        page.table(
            ["network", "MMAC", "edgeq", "onnxruntime", "LiteRT", "edgeq GMAC/s", "same top-1 as onnxruntime, LiteRT (noise)"],
            [_network(one) for one in networks],
        ),
        "\n### Layers, us\n",
        page.table(["layer", *COLUMNS, "edgeq GMAC/s"], [_layer(t, COLUMNS) for t in layers.values()]),
        "\n### Layers with weights of 4 and 2 bits, us\n",
        page.table(["layer", *narrow.COLUMNS, "edgeq GMAC/s"], [_layer(t, narrow.COLUMNS) for t in few.values()]),
        "\n### Kernels beside the peak of this CPU\n",
        page.table(["loop", "GMAC/s"], [(p.name, f"{p.gmacs:.0f}") for p in speeds.peaks]),
        "",
        page.table(["kernel", "instruction set", "shape", "GMAC/s", "Gelem/s", "of the loop", "%"], [_kernel(s) for s in speeds.kernels]),
    ]
    return "\n".join(parts if part == "x86" else parts[: parts.index("\n### Kernels beside the peak of this CPU\n")])


def _network(one: Comparison) -> tuple[object, ...]:
    others = {o.engine: o for o in one.others}
    us = [f"{others[name].us:.1f}" if others[name].us else "-" for name in ("onnxruntime", "litert")]
    same = ", ".join(f"{100 * (others[name].top1 or 0):.0f} %" for name in ("onnxruntime", "litert"))
    return goals.NETWORKS[one.model][0], f"{one.macs / 1e6:.2f}", f"{one.us:.1f}", *us, f"{one.gmacs:.1f}", same


def _layer(t: Times, columns: Sequence[str]) -> tuple[object, ...]:
    return t.layer.name, *(f"{t.us[name]:.1f}" if name in t.us else "" for name in columns), f"{t.gmacs('edgeq'):.1f}"


def _kernel(s: kernels.Speed) -> tuple[object, ...]:
    return (
        s.kernel,
        s.isa,
        s.shape,
        *("" if v is None else f"{v:.1f}" for v in (s.gmacs, s.gelems)),
        s.peak,
        "" if s.share is None else f"{100 * s.share:.0f}",
    )


if __name__ == "__main__":
    main()
