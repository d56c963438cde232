"""The table of docs/onnx-export.md: real networks on onnxruntime beside ours. `python -m tests.exporters.onnx_page` writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edgeq_host.data import random_data
from edgeq_host.errors import UnsupportedError
from edgeq_host.export import unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.exporters.onnx import export
from edgeq_host.produce import Source, produce
from edgeq_host.session import Session
from tests.exporters.onnx_run import as_fed, as_ours, layers, session
from tests.networks import zoo

ROOT = Path(__file__).parents[2]
SAMPLES = 20
PAGE = ROOT / "docs" / "onnx-export.md"
MARK = "|---|---|---|---|---|\n"  # what stands above it is written by hand


def rows(assets: Path) -> Iterator[str]:
    for name in (*zoo.INT8, *zoo.FLOAT):
        data = zoo.packed(assets, name) if name in zoo.INT8 else produce(Source(assets / "models" / name, calibration="random")).data
        tables = unpack(data, name)
        graph = to_graph(tables, tables.variants[0], {})
        try:
            exported = export(graph, name)
        except UnsupportedError as error:
            yield f"| {name} | {len(graph.nodes)} | refused: {'; '.join(error.problems)} | | |"
            continue
        ours, theirs, same = Session(graph), session(exported.model), 0
        inputs = list(random_data(graph.inputs, 1, SAMPLES).inputs())
        for sample in inputs:
            feed = {i.name: as_fed(x) for i, x in zip(theirs.get_inputs(), sample, strict=True)}
            a, b = as_ours(theirs.run(None, feed)[0]), as_ours(ours.run(*sample)[0])
            same += int(a.argmax() == b.argmax())
        found = layers(graph, inputs[0])
        share = sum(f.different for f in found) / sum(f.total for f in found)
        yield f"| {name} | {len(found)} | {max(f.largest for f in found)} | {1e6 * share:.0f} ppm | {same} of {len(inputs)} |"


def main() -> None:
    assets = Path(os.environ.get("EDGEQ_ASSETS", ROOT.parent / "shared" / "assets"))
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(head + mark + "\n".join(rows(assets)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
