"""python -m bench.arm: guest instructions of whole int8 networks on emulated 64-bit Arm cores, beside LiteRT's.

LiteRT's are those of its own aarch64 wheel (2.3, XNNPACK, one thread), counted in the same way under the same emulator; its Python
call is in them (a few thousand instructions)."""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np

from bench.arm import guest
from edgeq_host.cli import output
from edgeq_host.produce import Source, produce
from edgeq_runtime import native

LITERT = {  # instructions on cortex-a72 and cortex-a76
    "kws_ref_model": (1_886_268, 745_526),
    "vww_96_int8": (3_689_118, 1_918_289),
    "pretrainedResnet_quant": (4_338_951, 1_503_101),
    "ad01_int8": (89_827, 62_599),
    "mobilenet_v2_quantized_1x3x224x224": (114_389_182, 49_890_393),
}
CPUS = ("cortex-a72", "cortex-a76")
MOST_EACH, MOST_MEAN = 1.0, 0.85


def sample_of(model: native.Model) -> bytes:
    """Random bytes for its inputs."""
    rng = np.random.default_rng(1)
    return b"".join(rng.integers(0, 256, edge.bytes, np.uint8).tobytes() for edge in model.inputs)


def measure(assets: Path, name: str, folder: Path) -> list[dict[str, object]]:
    data = produce(Source(assets / "models" / f"{name}.tflite")).data
    model, pack = native.Model(data), folder / f"{name}.eqm"
    pack.write_bytes(data)
    sample = sample_of(model)
    want = native.Model(data, isas=1)
    inputs, at = [], 0
    for edge in want.inputs:
        inputs.append(np.frombuffer(sample[at : at + edge.bytes], {"s8": np.int8, "u8": np.uint8}[edge.dtype]).reshape(edge.shape))
        at += edge.bytes
    outputs = want.run(inputs)
    expected = b"".join(np.ascontiguousarray(y).tobytes() for y in (outputs if isinstance(outputs, list) else [outputs]))
    rows: list[dict[str, object]] = []
    for cpu, litert in zip(CPUS, LITERT[name], strict=True):
        same = guest.infer(cpu, pack, sample) == expected
        by_symbol = guest.instructions(cpu, pack, sample)
        total = by_symbol.total()
        rows.append(
            {
                "network": name,
                "cpu": cpu,
                "macs": int(model.plan.macs),
                "instructions": total,
                "litert_instructions": litert,
                "ratio": total / litert,
                "bytes_as_portable": same,
                "largest": dict(by_symbol.most_common(6)),
            }
        )
    return rows


def mean(rows: list[dict[str, object]], cpu: str) -> float:
    """Geometric, of the ratios."""
    ratios = [float(str(r["ratio"])) for r in rows if r["cpu"] == cpu]
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.arm", description=__doc__)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    assets = Path(os.environ.get("EDGEQ_ASSETS", Path(__file__).parents[3] / "shared" / "assets"))
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in LITERT for row in measure(assets, name, Path(folder))]
    means = {cpu: mean(rows, cpu) for cpu in CPUS}
    if args.json:
        print(json.dumps({"schema": "edgeq.bench-arm/1", "source": "emulated", "rows": rows, "means": means}, indent=2))
        return
    print("emulated (qemu-user): guest instructions of one inference; no times")
    output.table(
        ["network", "cpu", "instructions", "per MAC", "LiteRT", "edgeq / LiteRT", "goal", "bytes as portable"],
        [
            (
                r["network"],
                r["cpu"],
                f"{r['instructions']:,}",
                f"{float(str(r['instructions'])) / float(str(r['macs'])):.2f}",
                f"{r['litert_instructions']:,}",
                f"{r['ratio']:.2f}",
                "met" if float(str(r["ratio"])) <= MOST_EACH else "not met",
                "yes" if r["bytes_as_portable"] else "NO",
            )
            for r in rows
        ],
    )
    for cpu, value in means.items():
        print(f"{cpu}: geometric mean {value:.3f}, goal {MOST_MEAN}: {'met' if value <= MOST_MEAN else 'not met'}")


if __name__ == "__main__":
    main()
