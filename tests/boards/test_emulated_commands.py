"""Every command on the emulated boards: a real network, the integers of this machine, and the kernels of that processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.boards.conftest import emulated as emulated
from tests.cli.conftest import DIGITS, Edgeq
from tests.cli.conftest import edgeq as edgeq
from tests.cli.conftest import packed as packed

pytestmark = pytest.mark.slow
KERNELS = {"sim:raspberrypi4": "neon", "sim:raspberrypi5": "neon_dotprod"}


@pytest.mark.parametrize("board", KERNELS)
def test_an_emulated_pi_does_what_local_does(edgeq: Edgeq, packed: Path, emulated: Path, board: str) -> None:
    on = {"local": ("-b", "local"), "there": ("-b", board)}
    np.save("x.npy", np.load(DIGITS / "test.npz")["x"][:1])
    assert edgeq("quantize", DIGITS / "digits.onnx", "--precision", "float32", "-o", "digits.eqm").code == 0
    outputs, scores = {}, {}
    for place, words in on.items():
        assert edgeq("deploy", "digits.eqm", *words).code == 0 and edgeq("deploy", packed, *words, "--json").json["version"] == 2
        assert edgeq("run", "digits", *words, "-i", "x.npy", "-o", f"{place}.npy").code == 0
        outputs[place] = Path(f"{place}.npy").read_bytes()
        found = edgeq("eval", "digits", "--data", DIGITS / "test.npz", *words, "--json").json
        scores[place] = (found["top1"], found["n"])
        assert found["source"] == ("measured" if place == "local" else "emulated")
    assert outputs["local"] == outputs["there"] and scores["local"] == scores["there"] and scores["there"][1] == 599
    profile = edgeq("profile", "digits", *on["there"], "--runs", 2, "--json").json
    assert profile["source"] == "emulated" and KERNELS[board] in {layer["isa"] for layer in profile["layers"]}
    (model,) = edgeq("status", *on["there"], "--json").json["models"]
    assert [v["version"] for v in model["versions"]] == [2, 1]
    assert edgeq("rollback", "digits", *on["there"], "--json").json["version"] == 1
    assert edgeq("remove", "digits", *on["there"]).code == 0
