"""Real networks on the five emulated chips, as a user meets them: `edgeq` from deploy to rollback, and the bytes of this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.produce import Source, produce
from edgeq_runtime import native
from tests.cli.conftest import Edgeq, edgeq
from tests.firmware.conftest import CHIPS, Chip
from tests.networks import zoo

__all__ = ["edgeq"]

pytestmark = pytest.mark.slow
NETWORKS = ("ad01_int8", "mnist_valid_q", "micro_speech_quantized", "person_detect", "vww_96_int8", "TFC_1W1A.onnx")


def _file(assets: Path, network: str) -> bytes:
    return produce(Source(assets / "models" / network)).data if "." in network else zoo.packed(assets, network)


def _input(data: bytes) -> np.ndarray:
    """Noise of the edge's type."""
    edge = native.Model(data).inputs[0]
    values = np.random.default_rng(1).integers(-128, 128, edge.shape)
    return values.astype({"s8": np.int8, "u8": np.uint8, "f32": np.float32}[edge.dtype])


@pytest.mark.parametrize("board", CHIPS)
def test_keyword_spotting_goes_from_deploy_to_rollback(board: str, chip: Chip, edgeq: Edgeq, assets: Path, tmp_path: Path) -> None:
    """Two versions, a subset of the words scored, a profile by layers, and back."""
    chip(board)
    data, on = zoo.packed(assets, "kws_ref_model"), ("--board", board)
    words = np.load(assets / "data" / "kws01_even500.npz")
    x = words["mfcc_int8"][:25].reshape(25, *native.Model(data).inputs[0].shape[1:])
    np.savez(tmp_path / "words.npz", x=x, y=words["label"][:25])
    (tmp_path / "kws.eqm").write_bytes(data)
    np.save("x.npy", zoo.inputs_of(assets, "kws_ref_model")[0])

    assert edgeq("deploy", "kws.eqm", *on).code == 0
    assert edgeq("run", "kws", *on, "--input", "x.npy", "-o", "there.npy").code == 0
    assert edgeq("run", "kws.eqm", "--board", "local", "--input", "x.npy", "-o", "here.npy").code == 0
    assert Path("there.npy").read_bytes() == Path("here.npy").read_bytes()

    scored = edgeq("eval", "kws", *on, "--data", "words.npz", "--json").json
    wanted = edgeq("eval", "kws.eqm", "--data", "words.npz", "--json").json
    assert scored["score"] == wanted["score"] and scored["n"] == 25 and scored["source"] == "emulated"

    profiled = edgeq("profile", "kws", *on, "--runs", "10", "--json").json
    assert profiled["source"] == "emulated" and len(profiled["layers"]) == len(native.Model(data).ops())

    other = produce(Source(assets / "models" / "mnist_valid_q.tflite", name="kws"))
    other.save(tmp_path / "other.eqm")
    assert edgeq("deploy", "other.eqm", *on, "--name", "kws").code == 0
    assert edgeq("rollback", "kws", *on).code == 0
    assert edgeq("run", "kws", *on, "--input", "x.npy", "-o", "again.npy").code == 0
    assert Path("again.npy").read_bytes() == Path("here.npy").read_bytes()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("board", CHIPS)
def test_a_network_that_is_deployed_gives_the_bytes_of_this_machine(
    board: str, network: str, chip: Chip, edgeq: Edgeq, assets: Path, tmp_path: Path
) -> None:
    chip(board)
    data = _file(assets, network)
    (tmp_path / "net.eqm").write_bytes(data)
    np.save("x.npy", _input(data))
    assert edgeq("deploy", "net.eqm", "--board", board).code == 0
    assert edgeq("run", "net", "--board", board, "--input", "x.npy", "-o", "there.npy").code == 0
    assert edgeq("run", "net.eqm", "--board", "local", "--input", "x.npy", "-o", "here.npy").code == 0
    assert Path("there.npy").read_bytes() == Path("here.npy").read_bytes()
