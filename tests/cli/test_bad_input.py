"""Everything that comes from outside can be wrong: the exit code, a message that names what was found, nothing written."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeq_host.export import container, write_file
from edgeq_runtime import native
from tests.cli.conftest import DIGITS, Edgeq

MODEL, CALIBRATION, TEST = DIGITS / "digits.onnx", DIGITS / "calibration.npz", DIGITS / "test.npz"


def refused(edgeq: Edgeq, *words: object, code: int, names: str) -> None:
    """The command fails with the code, names what it found, says what to do, and leaves no file behind."""
    before = sorted(Path().rglob("*"))
    result = edgeq(*words)
    assert result.code == code, (result.out, result.err)
    assert result.err.startswith("error: ") and "hint:" in result.err, result.err
    assert names in result.err, result.err
    assert sorted(Path().rglob("*")) == before
    document = edgeq(*words, "--json").json["error"]
    assert document["code"] == code and document["message"] and document["hint"]


def quantize(edgeq: Edgeq, model: object, *words: object, code: int, names: str) -> None:
    refused(edgeq, "quantize", model, "-o", "out.eqm", *words, code=code, names=names)


def test_a_missing_model_is_refused(edgeq: Edgeq) -> None:
    refused(edgeq, "check", "nope.onnx", code=2, names="nope.onnx")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000), b"PK\x03\x04" + bytes(100), b"\x89HDF\r\n\x1a\n" + bytes(64)])
def test_a_file_that_is_no_model_is_refused(edgeq: Edgeq, content: bytes) -> None:
    Path("m.onnx").write_bytes(content)
    quantize(edgeq, "m.onnx", "--calibration", CALIBRATION, code=3, names="m.onnx")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_model_is_refused(edgeq: Edgeq, share: float) -> None:
    data = MODEL.read_bytes()
    Path("m.onnx").write_bytes(data[: int(share * len(data))])
    quantize(edgeq, "m.onnx", "--calibration", CALIBRATION, code=3, names="m.onnx")


def test_every_unsupported_operator_is_named_with_its_node(edgeq: Edgeq) -> None:
    edges = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in ("x", "y")]
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="fine"),
        helper.make_node("Erf", ["a"], ["b"], name="first_bad"),
        helper.make_node("Det", ["b"], ["c"], name="second_bad"),
        helper.make_node("Identity", ["c"], ["y"], name="last"),
    ]
    model = helper.make_model(helper.make_graph(nodes, "g", edges[:1], edges[1:]), opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, "m.onnx")
    quantize(edgeq, "m.onnx", "--calibration", "random", code=3, names="first_bad")
    quantize(edgeq, "m.onnx", "--calibration", "random", code=3, names="second_bad")
    report = edgeq("check", "m.onnx", "--json")
    assert report.code == 3 and {p["node"] for p in report.json["problems"]} == {"first_bad", "second_bad"}
    assert report.json["cut"]["inputs"] == []
    cut = ",".join(report.json["cut"]["outputs"])
    assert edgeq("check", "m.onnx", "--outputs", cut).code == 0


def test_a_float_model_without_calibration_is_refused(edgeq: Edgeq) -> None:
    quantize(edgeq, MODEL, code=2, names="calibration")


def test_calibration_of_another_shape_names_both(edgeq: Edgeq) -> None:
    np.savez("c.npz", x=np.zeros((8, 1, 9, 9), np.float32))
    quantize(edgeq, MODEL, "--calibration", "c.npz", code=3, names="[8, 1, 9, 9]")
    quantize(edgeq, MODEL, "--calibration", "c.npz", code=3, names="[1, 1, 8, 8]")


def test_calibration_of_another_type_is_refused(edgeq: Edgeq) -> None:
    np.savez("c.npz", x=np.zeros((8, 1, 8, 8), np.uint8))
    quantize(edgeq, MODEL, "--calibration", "c.npz", code=3, names="uint8")


def test_empty_calibration_is_refused(edgeq: Edgeq) -> None:
    np.savez("c.npz", x=np.zeros((0, 1, 8, 8), np.float32))
    quantize(edgeq, MODEL, "--calibration", "c.npz", code=3, names="no samples")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_calibration_that_is_not_finite_names_the_sample(edgeq: Edgeq, value: float) -> None:
    x = np.zeros((8, 1, 8, 8), np.float32)
    x[5, 0, 3, 3] = value
    np.savez("c.npz", x=x)
    quantize(edgeq, MODEL, "--calibration", "c.npz", code=3, names="sample 5")


def test_data_without_labels_is_refused(edgeq: Edgeq, packed: Path) -> None:
    refused(edgeq, "eval", packed, "--data", CALIBRATION, code=3, names="labels")


def test_int4_asks_what_the_activations_are(edgeq: Edgeq) -> None:
    quantize(edgeq, MODEL, "--calibration", CALIBRATION, "--precision", "int4", code=2, names="w4a8 or w4a4?")


def test_labels_that_are_not_one_per_class_are_refused(edgeq: Edgeq) -> None:
    Path("r.toml").write_text('labels = ["cat", "dog"]\n')
    quantize(edgeq, MODEL, "--calibration", CALIBRATION, "--recipe", "r.toml", code=2, names="10 classes")


def test_a_packed_model_is_not_quantized_again_whatever_its_name(edgeq: Edgeq, packed: Path) -> None:
    Path("m.eqm").write_bytes(packed.read_bytes())
    refused(edgeq, "quantize", "m.eqm", code=3, names="already a packed model")


def test_an_unknown_key_in_a_recipe_names_the_known_ones(edgeq: Edgeq) -> None:
    Path("r.toml").write_text('precison = "int8"\n')
    quantize(edgeq, MODEL, "--calibration", CALIBRATION, "--recipe", "r.toml", code=2, names="precison")


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_truncated_pack_is_refused_everywhere(edgeq: Edgeq, packed: Path, share: float) -> None:
    data = packed.read_bytes()
    Path("cut.eqm").write_bytes(data[: int(share * len(data))])
    for words in (
        ["inspect", "cut.eqm"],
        ["eval", "cut.eqm", "--data", TEST],
        ["deploy", "cut.eqm", "-b", "local"],
        ["plan", "cut.eqm", "-b", "local"],
    ):
        refused(edgeq, *words, code=3, names="cut.eqm")


def test_any_flipped_byte_of_a_pack_is_refused(packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    for at in (*range(0, len(data), 211), *range(len(data) - 160, len(data))):
        data[at] ^= 0x40
        with pytest.raises(native.Error):
            native.check(bytes(data))
        data[at] ^= 0x40
    native.check(bytes(data))


def test_a_pack_of_a_newer_version_says_so(edgeq: Edgeq, packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    struct.pack_into("<I", data, len(data) - 160 + 8, container.FORMAT_VERSION + (1 << 16))
    struct.pack_into("<I", data, len(data) - 4, native.crc32c(bytes(data[-160:-4])))
    Path("new.eqm").write_bytes(data)
    refused(edgeq, "inspect", "new.eqm", code=3, names="newer")
    refused(edgeq, "deploy", "new.eqm", "-b", "local", code=3, names="newer")


def test_a_board_that_does_not_exist_lists_those_that_do(edgeq: Edgeq, packed: Path) -> None:
    refused(edgeq, "deploy", packed, "-b", "locale", code=2, names="local")


def test_a_model_that_is_not_installed_is_named(edgeq: Edgeq) -> None:
    for command in ("rollback", "remove", "profile"):
        result = edgeq(command, "nothere", "-b", "local")
        assert result.code == 2 and "nothere" in result.err and "hint:" in result.err


@pytest.mark.parametrize(
    "array", [np.zeros((1, 1, 8, 9), np.float32), np.zeros((1, 1, 8, 8), np.int32), np.zeros((1, 1, 8, 8), np.complex64)]
)
def test_run_with_a_wrong_array_names_found_and_expected(edgeq: Edgeq, packed: Path, array: np.ndarray) -> None:
    np.save("x.npy", array)
    refused(edgeq, "run", packed, "-i", "x.npy", "-o", "y.npy", code=3, names="image")


def test_an_array_of_python_objects_is_not_unpickled(edgeq: Edgeq, packed: Path) -> None:
    np.save("x.npy", np.array([{}], object), allow_pickle=True)
    refused(edgeq, "run", packed, "-i", "x.npy", code=3, names="x.npy")


def test_a_target_that_cannot_be_written_leaves_the_old_file(edgeq: Edgeq) -> None:
    quantize_ = ("quantize", MODEL, "--calibration", CALIBRATION)
    Path("folder.eqm").mkdir()
    result = edgeq(*quantize_, "-o", "folder.eqm")
    assert result.code == 3 and "folder.eqm" in result.err
    result = edgeq(*quantize_, "-o", "missing/m.eqm")
    assert result.code == 3 and "missing" in result.err
    assert sorted(p.name for p in Path().iterdir() if p.name != "store") == ["folder.eqm"]


@pytest.mark.parametrize("words", [["-o", "m.onnx"], ["-o", "c.npz"], ["--recipe", "r.toml", "-o", "r.toml"]])
def test_an_output_that_is_an_input_is_refused(edgeq: Edgeq, words: list[str]) -> None:
    Path("m.onnx").write_bytes(MODEL.read_bytes())
    Path("c.npz").write_bytes(CALIBRATION.read_bytes())
    Path("r.toml").write_text('precision = "int8"\n')
    before = {p: p.read_bytes() for p in Path().iterdir() if p.is_file()}
    refused(edgeq, "quantize", "m.onnx", "--calibration", "c.npz", *words, code=2, names="input of this command")
    assert {p: p.read_bytes() for p in Path().iterdir() if p.is_file()} == before


def test_run_and_pack_do_not_overwrite_what_they_read(edgeq: Edgeq, packed: Path) -> None:
    np.save("x.npy", np.zeros((1, 1, 8, 8), np.float32))
    refused(edgeq, "run", packed, "-i", "x.npy", "-o", "x.npy", code=2, names="input of this command")
    refused(edgeq, "pack", packed, packed, "-o", packed, code=2, names="input of this command")
    refused(edgeq, "run", packed, "-i", "x.npy", "-o", "y.eqm", code=2, names=".npy")


def test_a_pipe_is_written_into_and_a_link_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    write_file(tmp_path / "fifo", b"data")
    assert os.read(reader, 10) == b"data" and stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    os.close(reader)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_file(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"data"


def test_packs_of_different_sources_are_not_joined(edgeq: Edgeq, packed: Path) -> None:
    model = onnx.load(MODEL)
    model.graph.name = "another"
    onnx.save(model, "other.onnx")
    assert edgeq("quantize", "other.onnx", "--precision", "float32", "-o", "other.eqm").code == 0
    refused(edgeq, "pack", packed, "other.eqm", "-o", "both.eqm", code=3, names="different sources")
    refused(edgeq, "diagnose", "other.onnx", packed, "--data", TEST, code=3, names="SHA-256")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--metric", "bogus"], "bogus"),
        (["--seed", "-1"], "-1"),
        (["--name", "../x"], "../x"),
        (["-o", "out.txt"], ".eqm"),
    ],
)
def test_a_wrong_value_of_an_option_is_named(edgeq: Edgeq, words: list[str], names: str) -> None:
    quantize(edgeq, MODEL, "--calibration", "random", *words, code=2, names=names)


def test_a_gate_beyond_any_share_and_labels_that_are_no_classes_are_refused(edgeq: Edgeq, packed: Path) -> None:
    refused(edgeq, "eval", packed, "--data", TEST, "--min", "80", code=2, names="80%")
    data = np.load(TEST)
    np.savez("half.npz", x=data["x"], y=data["y"] + 0.5)
    refused(edgeq, "eval", packed, "--data", "half.npz", code=3, names="class")


def test_results_that_cannot_be_written_are_said_and_a_closed_pipe_is_quiet(packed: Path) -> None:
    command = f"{sys.executable} -m edgeq_host.cli.main inspect {packed}"
    full = subprocess.run(f"{command} > /dev/full", shell=True, capture_output=True, text=True)
    assert full.returncode == 2 and "No space left" in full.stderr and "Traceback" not in full.stderr
    closed = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | true"], capture_output=True, text=True)
    assert closed.returncode == 0 and closed.stderr == ""
    without = subprocess.run(f"{command} >&-", shell=True, capture_output=True, text=True)
    assert without.returncode == 0 and without.stderr == ""


@pytest.mark.parametrize("words", [("deploy", "-b", "local"), ("plan", "-b", "local"), ("inspect",), ("verify", "--key", "k.pub")])
def test_what_is_no_regular_file_or_too_long_is_not_read(edgeq: Edgeq, words: tuple[str, ...]) -> None:
    os.mkfifo("fifo.eqm")
    Path("zero.eqm").symlink_to("/dev/zero")
    with open("long.eqm", "wb") as file:
        file.truncate(1 << 40)
    for name, says in (("fifo.eqm", "no regular file"), ("zero.eqm", "no regular file"), ("long.eqm", "longer than")):
        refused(edgeq, words[0], name, *words[1:], code=2, names=says)


@pytest.mark.parametrize("words", [("sign",), ("key", "enroll"), ("boards", "verify"), ("devices", "add")])
def test_the_hint_of_a_usage_error_names_the_command_that_was_meant(edgeq: Edgeq, words: tuple[str, ...]) -> None:
    found = edgeq(*words, "--no-such-option")
    assert found.code == 2 and found.err.rstrip().endswith(f"see edgeq {' '.join(words)} --help")
    assert edgeq(*words, "--help").code == 0
