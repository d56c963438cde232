"""make bench-cortexm: the goals on Cortex-M4 and M55 beside what QEMU counts, into docs/benchmarks.md. Instructions, no times."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench import assets, page
from bench.arm.guest import Missing
from bench.cortexm import guest, helium, kernels, networks
from bench.goals import Goal
from edgeq_host.cli import output
from edgeq_runtime import firmware

GOAL = ["goal", "wanted", "measured", "met"]
HEAD = """## Cortex-M4: emulated, instructions and no times

`make bench-cortexm`: guest instructions that qemu-system-arm {qemu} executed on its machine mps2-an386, compiled by arm-none-eabi-gcc \
{gcc}; one inference, its input copied in, as the difference of two runs and one. Weighted: each register that LDM, STM, LDRD, STRD, \
PUSH or POP moves beyond the first counts as one more. -icount: the same run by QEMU's own clock. CMSIS-NN's figures (GCC 12.2 -O3, \
plain) were taken on the same machine before. Layers of signs are without what packs and unpacks signs at the borders of their network.
"""

HELIUM = """## Cortex-M55 with Helium: emulated, instructions and no times

`make bench-cortexm`, as for Cortex-M4, on qemu-system-arm's machine mps3-an547; CMSIS-NN's figures are those of its kernels for MVE. \
Signs are counted by loads that gather 16 bytes, which a chip fetches one by one: what they take beside int8 is a ratio of instructions \
alone.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cortexm", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document; write no page")
    args = parser.parse_args()
    try:
        guest.need_tools()
    except Missing as missing:
        sys.exit(f"error: {missing}")
    layers, nets = kernels.all_counts(), [networks.measure(path) for path in assets.tflite(networks.MOST)]
    found, on_vectors = [*kernels.of_layers(), *networks.of_counts(nets)], helium.all_counts()
    with_helium, nets_on_vectors = list(helium.of_layers()), [networks.measure(path, helium.CORE) for path in assets.tflite(networks.MOST)]
    if args.json:
        parts: dict[str, Sequence[Goal | kernels.Count | networks.Count]] = {"goals": found, "layers": layers, "networks": nets}
        parts |= {"helium_goals": with_helium, "helium_layers": on_vectors, "helium_networks": nets_on_vectors}
        output.document("edgeq.bench-cortexm/1", source="emulated", **{name: [asdict(one) for one in part] for name, part in parts.items()})
        return
    page.write("cortexm", text(_goals(found), layers, nets))
    page.write("helium", _helium(_goals(with_helium), on_vectors, nets_on_vectors))
    output.table(GOAL, _goals([*found, *with_helium]), left=3)
    output.line(f"written to {page.PAGE}")


def _version(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def text(goals: Sequence[Sequence[str]], layers: Sequence[kernels.Count], nets: Sequence[networks.Count]) -> str:
    qemu, gcc = _version([guest.QEMU, "--version"]).split()[3], _version([firmware.CC, "-dumpfullversion"])
    parts = [
        HEAD.format(qemu=qemu, gcc=gcc),
        page.table(GOAL, goals),
        "\n### Instructions for each product\n",
        _layers(layers),
        "\n### Instructions of one inference\n",
        _networks(nets),
    ]
    return "\n".join(parts)


def _helium(goals: Sequence[Sequence[str]], layers: Sequence[kernels.Count], nets: Sequence[networks.Count]) -> str:
    headings = ("\n### Instructions for each product, with Helium\n", "\n### Instructions of one inference, with Helium\n")
    return "\n".join([HELIUM, page.table(GOAL, goals), headings[0], _layers(layers), headings[1], _networks(nets)])


def _networks(nets: Sequence[networks.Count]) -> str:
    columns = ["network", "MMAC", "plain", "weighted", "weighted per MAC", "arena bytes"]
    rows = [(n.network, f"{n.macs / 1e6:.2f}", f"{n.instructions:,}", f"{n.weighted:,}", f"{n.per_mac:.3f}", n.arena_bytes) for n in nets]
    return page.table(columns, rows)


def _goals(found: Sequence[Goal]) -> list[tuple[str, ...]]:
    return [(g.what, g.wanted, g.measured, "yes" if g.met else "**no**") for g in found]


def _layers(counts: Sequence[kernels.Count]) -> str:
    columns = ["layer", "weights", "plain", "-icount", "weighted", "arena bytes", "bytes as portable"]
    return page.table(columns, [_layer(one) for one in counts])


def _layer(one: kernels.Count) -> tuple[object, ...]:
    counts = (f"{number:.3f}" for number in (one.plain, one.icount, one.weighted))
    return one.layer, one.weights, *counts, one.arena_bytes, "yes" if one.same else "**no**"


if __name__ == "__main__":
    main()
