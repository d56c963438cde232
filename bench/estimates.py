"""How far `edgeq plan`'s estimate is from `edgeq profile` on this machine: `python -m bench.estimates` writes the table."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import assets, page
from edgeq_host import boards, rates
from edgeq_host.bench import board
from edgeq_host.bench.compare import subject
from edgeq_host.errors import EdgeqError
from edgeq_host.estimate import layer_ns
from edgeq_host.export import unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.plan import plan
from edgeq_host.profile import Profile, profile
from edgeq_host.rates import Rates
from edgeq_host.targets import Target, of_board

RUNS, WARMUP = 200, 20


@dataclass(frozen=True)
class Row:
    """Microseconds. counted_us: measured, of the layers that have a rate; layers, uncounted: how many."""

    name: str
    macs: int
    measured_us: float
    estimated_us: float
    counted_us: float
    layers: int
    uncounted: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.estimates", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="default: the networks of the assets")
    parser.add_argument("--rounds", type=int, default=25)
    args = parser.parse_args()
    target = of_board(boards.resolve("local"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        found = board.measure(target, args.rounds)
        rates.save(found.rates)
        rows = [row for path in args.models or _networks() if (row := _row(target, path, Path(folder), found.rates)) is not None]
    page.write("estimates", text(found, rows, args.rounds))
    print(f"written to {page.PAGE}")


def _networks() -> Iterator[Path]:
    """Those that edgeq can run."""
    yield from sorted([*assets.MODELS.glob("*.tflite"), *assets.MODELS.glob("*.onnx")])


def _row(target: Target, path: Path, folder: Path, known: Rates) -> Row | None:
    try:
        made = subject(path)
    except EdgeqError:
        return None
    file = folder / f"{path.stem}.eqm"
    file.write_bytes(made.data)
    found = plan(target, file).estimate
    assert found is not None, "the rates have just been saved"
    measured = profile(target, "estimate", made.data, runs=RUNS, warmup=WARMUP)
    counted = _counted(made.data, measured, known)
    macs = sum(layer.macs for layer in measured.layers)
    return Row(path.name, macs, measured.latency_us.median, found.latency_us, counted, len(measured.layers), found.uncounted)


def _counted(data: bytes, measured: Profile, known: Rates) -> float:
    model = unpack(data, "")
    graph = to_graph(model, model.variants[0], {})
    pairs = zip(measured.layers, graph.nodes, strict=True)
    return sum(layer.median_us for layer, node in pairs if layer_ns(known, layer, node, graph) is not None)


def text(found: board.OnBoard, rows: list[Row], rounds: int) -> str:
    head = (
        f"`python -m bench.estimates`: {found.machine}, the agent with {', '.join(found.isas)}, one thread. "
        f"Estimate: what `edgeq plan` says after `edgeq bench kernels --board local --rounds {rounds}` "
        f"({found.rates.layer_ns:.0f} ns a layer beside its kernel). Measured: `edgeq profile`, median of {RUNS} runs. "
        "Layers without a kernel have no rate and are not in the estimate; the last ratio leaves them out of both."
    )
    columns = [
        "network",
        "MMAC",
        "measured us",
        "estimated us",
        "estimate / measured",
        "layers without a rate",
        "their share %",
        "ratio of the others",
    ]
    return "\n".join(["## Latency that plan estimates\n", head, "", page.table(columns, map(_cells, rows))])


def _cells(row: Row) -> tuple[object, ...]:
    share = 100 * max(0.0, 1 - row.counted_us / row.measured_us)
    us = f"{row.measured_us:.2f}", f"{row.estimated_us:.2f}", f"{row.estimated_us / row.measured_us:.2f}"
    return (
        row.name,
        f"{row.macs / 1e6:.2f}",
        *us,
        f"{row.uncounted} of {row.layers}",
        f"{share:.0f}",
        f"{row.estimated_us / row.counted_us:.2f}",
    )


if __name__ == "__main__":
    main()
