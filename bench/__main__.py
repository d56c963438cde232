"""make bench: edgeq beside LiteRT on int8 networks, one thread, medians of interleaved rounds in thread CPU time."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import sys
from pathlib import Path

import numpy as np

from bench import edgeq, litert, timing
from edgeq_host.cli import output

MODELS = ("kws_ref_model", "vww_96_int8", "pretrainedResnet_quant", "ad01_int8", "mobilenet_v2_quantized_1x3x224x224")


def measure(path: Path, rounds: int) -> dict[str, object]:
    """One network on both engines, with the same random input bytes."""
    ours, theirs = edgeq.Edgeq(path), litert.LiteRT(path)
    data = np.random.default_rng(1).integers(0, 256, ours.input_bytes, np.uint8).tobytes()
    ours.fill(data)
    theirs.fill(data)
    loop = timing.library()
    ns = timing.interleave(
        {
            "edgeq": lambda n: int(loop.bench_edgeq(ctypes.byref(ours.case), n)),
            "litert": lambda n: int(loop.bench_litert(ctypes.byref(theirs.case), n)),
        },
        rounds,
    )
    a, b = (np.frombuffer(x, np.int8).astype(int) for x in (ours.output(), theirs.output(ours.output_bytes)))
    return {
        "model": path.stem,
        "macs": ours.macs,
        "edgeq_us": ns["edgeq"] / 1000,
        "litert_us": ns["litert"] / 1000,
        "ratio": ns["edgeq"] / ns["litert"],
        "largest_difference": int(np.abs(a - b).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    default = Path(os.environ.get("EDGEQ_ASSETS", Path(__file__).parents[2] / "shared" / "assets")) / "models"
    parser.add_argument("models", nargs="*", type=Path, help="int8 .tflite files with one input and one output")
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    paths = args.models or [default / f"{name}.tflite" for name in MODELS]
    missing = [str(p) for p in paths if not p.is_file()]
    if missing:
        sys.exit(f"error: no such model: {', '.join(missing)}\nhint:  set EDGEQ_ASSETS, or give .tflite files")
    rows = [measure(path, args.rounds) for path in paths]
    about = {"cpu": _cpu(), "isas": edgeq.instruction_sets(), "litert": litert.version(), "rounds": args.rounds, "threads": 1}
    if args.json:
        print(json.dumps({"schema": "edgeq.bench/1", "source": "measured", **about, "models": rows}, indent=2))
        return
    sets = ", ".join(edgeq.instruction_sets())
    print(f"{about['cpu']}; edgeq with {sets}; LiteRT {about['litert']}; one thread, thread CPU time, median of {args.rounds}")
    output.table(
        ["model", "MMAC", "edgeq us", "LiteRT us", "edgeq / LiteRT", "edgeq GMAC/s", "largest difference"],
        [
            (
                r["model"],
                f"{float(str(r['macs'])) / 1e6:.2f}",
                f"{r['edgeq_us']:.1f}",
                f"{r['litert_us']:.1f}",
                f"{r['ratio']:.2f}",
                f"{float(str(r['macs'])) / float(str(r['edgeq_us'])) / 1e3:.1f}",
                r["largest_difference"],
            )
            for r in rows
        ],
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
