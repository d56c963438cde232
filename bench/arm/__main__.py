"""make bench-arm: the goals on 64-bit Arm beside what is counted under qemu-user now, into docs/benchmarks.md. Instructions, no times."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import assets, goals, page
from bench.arm import guest, kernels, mca, narrow, networks, signs
from bench.arm.networks import Count
from bench.goals import Goal
from edgeq_host.cli import output

HEAD = """## 64-bit Arm: emulated, instructions and no times

`make bench-arm`: guest instructions that qemu-user {qemu} executed, compiled by zig {zig}; one inference is the difference of two run \
lengths. LiteRT's are those of its aarch64 wheel (2.3, XNNPACK, one thread) under the same emulator, its Python call included. {mca}
"""
WITH_MCA = "Products per cycle are those of the model of a core in llvm-mca {} on the loop that the compiler wrote, everything in cache."
WITHOUT_MCA = f"Products per cycle were not modelled: no llvm-mca {mca.LEAST} or newer is installed (Debian: llvm-19)."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.arm", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document; write no page")
    args = parser.parse_args()
    try:
        guest.need_tools()
    except guest.Missing as missing:
        sys.exit(f"error: {missing}")
    counts = count()
    size = guest.program("lib").stat().st_size
    library = goals.at_most("the shared library for aarch64, stripped", goals.LIBRARY_BYTES["aarch64"], size, "bytes")
    found = [*kernels.of_loops(), *narrow.of_widths(), *signs.of_signs(), *networks.of_counts(counts), library]
    if args.json:
        output.document("edgeq.bench-arm/2", source="emulated", goals=[asdict(g) for g in found], networks=[asdict(c) for c in counts])
        return
    page.write("arm", text(found, counts))
    output.table(["goal", "wanted", "measured", "met"], [(g.what, g.wanted, g.measured, "yes" if g.met else "no") for g in found], left=3)
    if mca.tool() is None:
        output.note(WITHOUT_MCA)
    output.line(f"written to {page.PAGE}")


def count() -> list[Count]:
    paths = assets.tflite(networks.LITERT)
    with tempfile.TemporaryDirectory() as folder:
        return [one for path in paths for one in networks.measure(path, Path(folder))]


def text(found: Sequence[Goal], counts: Sequence[Count]) -> str:
    tool, (qemu, zig) = mca.tool(), guest.versions()
    parts = [
        HEAD.format(qemu=qemu, zig=zig, mca=WITH_MCA.format(tool[1]) if tool else WITHOUT_MCA),
        page.table(["goal", "wanted", "measured", "met"], [(g.what, g.wanted, g.measured, "yes" if g.met else "**no**") for g in found]),
        "\n### Instructions of one inference\n",
        page.table(["network", "MMAC", "CPU", "edgeq", "LiteRT", "edgeq / LiteRT", "edgeq per MAC"], map(_count, counts)),
    ]
    return "\n".join(parts)


def _count(one: Count) -> tuple[object, ...]:
    per_mac = f"{one.instructions / one.macs:.2f}"
    return one.network, f"{one.macs / 1e6:.2f}", one.cpu, f"{one.instructions:,}", f"{one.litert:,}", f"{one.ratio:.2f}", per_mac


if __name__ == "__main__":
    main()
