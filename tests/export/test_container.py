"""The file: read back by an independent witness, aligned, deterministic, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import ModelError
from edgeq_host.export import Bundle, Provenance, Score, SelfTest, Variant, container, join, pack, to_bytes, unpack, write_file
from edgeq_host.export.join import join as join_models
from edgeq_host.inspect import text
from edgeq_runtime import native
from tests.export.graphs import chain, table

ROOT = Path(__file__).parents[2]


def full_bundle(alignment: int = 64) -> Bundle:
    sample = np.arange(4, dtype=np.int8)
    values = np.arange(-128, 128)
    selftest = SelfTest((sample,), (), (sample.tobytes(),))
    provenance = Provenance("model.onnx", bytes(32), 'precision = "int8"\n', "edgeq 0.1.0")
    variant = Variant("int8", table(values), selftest, Score("top1", 0.9, 0.8, 0.95, 100))
    return Bundle("full", [variant], ("a", "b"), provenance, alignment)


@pytest.mark.parametrize("alignment", [16, 64])
def test_flatc_reads_every_field_back(tmp_path: Path, alignment: int) -> None:
    if not shutil.which("flatc"):
        pytest.skip("flatc is not installed: apt-get install flatbuffers-compiler")
    (tmp_path / "full.eqm").write_bytes(to_bytes(full_bundle(alignment)))
    command = ["flatc", "--json", "--strict-json", "--raw-binary", "-o", tmp_path, ROOT / "schema" / "eqm.fbs", "--", tmp_path / "full.eqm"]
    subprocess.run(command, check=True)
    read = json.loads((tmp_path / "full.json").read_text())
    assert read["name"] == "full" and read["labels"] == ["a", "b"] and read.get("alignment", 64) == alignment
    variant = read["variants"][0]
    assert variant["name"] == "int8" and variant["score"]["samples"] == 100
    held = [bytes(b["data"]) for b in read["buffers"]]
    assert np.arange(-128, 128).astype(np.int8).tobytes() in held
    shared = [b for i, b in enumerate(held) if i not in variant["selftest"]["outputs"]]
    assert len(shared) == len(set(shared)) and len(held) == len(shared) + len(variant["selftest"]["outputs"])


@pytest.mark.parametrize("alignment", [16, 64])
def test_every_buffer_is_aligned_and_the_body_ends_at_the_trailer(alignment: int) -> None:
    data = to_bytes(full_bundle(alignment))
    tables = unpack(data, "full")
    for buffer in tables.buffers:
        assert data.find(bytes(buffer.data)) % alignment == 0
    magic, version, runtime, length, digest, counter, key, zeros, signature = container.TRAILER.unpack(data[-160:-4])
    assert magic == b"EQMTRAIL" and length == len(data) - 160 and length % 64 == 0
    assert digest == hashlib.sha256(data[:length]).digest()
    assert (counter, key, zeros, signature) == (0, bytes(16), bytes(12), bytes(64))
    assert struct.unpack("<I", data[-4:])[0] == native.crc32c(data[-160:-4])
    assert (version, runtime) == (container.FORMAT_VERSION, container.MIN_RUNTIME)


def test_the_same_bundle_gives_the_same_bytes() -> None:
    assert to_bytes(full_bundle()) == to_bytes(full_bundle())


def test_tables_survive_a_round_trip() -> None:
    data = to_bytes(full_bundle())
    assert pack(unpack(data, "full")) == data


@pytest.mark.parametrize("alignment", [16, 64])
def test_what_several_variants_have_in_common_is_written_once(tmp_path: Path, alignment: int) -> None:
    one = full_bundle(alignment)
    two = replace(one, variants=[one.variants[0], replace(one.variants[0], name="other")])
    data, alone = to_bytes(two), to_bytes(one)
    tables = unpack(data, "two")
    first, second = tables.variants
    assert len(data) - len(alone) < len(data) // 4 and data.count(b"table") == alone.count(b"table")
    assert [vars(t)["name"] for t in first.tensors] == [vars(t)["name"] for t in second.tensors]
    assert [bytes(o.attributes) for o in first.operators] == [bytes(o.attributes) for o in second.operators]
    assert all(data.find(bytes(buffer.data)) % alignment == 0 for buffer in tables.buffers)
    assert pack(unpack(data, "two")) == data
    for name in ("int8", "other"):
        native.Model(data, variant=name).selftest()
    if shutil.which("flatc"):
        (tmp_path / "two.eqm").write_bytes(data)
        command = [
            "flatc",
            "--json",
            "--strict-json",
            "--raw-binary",
            "-o",
            tmp_path,
            ROOT / "schema" / "eqm.fbs",
            "--",
            tmp_path / "two.eqm",
        ]
        subprocess.run(command, check=True)
        read = json.loads((tmp_path / "two.json").read_text())
        a, b = ({k: v for k, v in variant.items() if k not in ("name", "selftest")} for variant in read["variants"])
        assert (
            a == b
            and read["labels"] == ["a", "b"]
            and [bytes(x["data"]) for x in read["buffers"]] == [bytes(x.data) for x in tables.buffers]
        )


def test_joined_variants_share_equal_buffers() -> None:
    values = np.arange(-128, 128)
    one = to_bytes(Bundle("m", [Variant("a", table(values))]))
    two = to_bytes(Bundle("m", [Variant("b", table(values))]))
    joined = pack(join([unpack(one, "one"), unpack(two, "two")], ["one", "two"]))
    assert len(unpack(joined, "joined").buffers) == 1
    assert native.Model(joined).variants == ["a", "b"]
    x = np.array([-128, -1, 0, 127], np.int8)
    for variant in ("a", "b"):
        assert np.array_equal(native.Model(joined, variant=variant).run(x), x)


def test_joining_files_of_different_models_is_refused() -> None:
    one, two = (unpack(to_bytes(Bundle("m", [Variant(n, chain([s]))])), n) for n, s in (("a", 4), ("b", 5)))
    with pytest.raises(ModelError, match="not a variant"):
        join_models([one, two], ["one.eqm", "two.eqm"])


def test_joining_the_same_variant_twice_is_refused() -> None:
    one, two = (unpack(to_bytes(Bundle("m", [Variant("int8", chain([4]))])), "x") for _ in range(2))
    with pytest.raises(ModelError, match="int8 is in more than one"):
        join_models([one, two], ["one.eqm", "two.eqm"])


def test_a_long_output_of_the_self_test_is_stored_as_its_hash() -> None:
    graph = chain([2000])
    sample = np.zeros(2000, np.int8)
    data = to_bytes(Bundle("m", [Variant("v", graph, SelfTest((sample,), (), (sample.tobytes(),)))]))
    tables = unpack(data, "m")
    stored = tables.buffers[tables.variants[0].selftest.outputs[0]].data
    assert bytes(stored) == hashlib.sha256(sample.tobytes()).digest()
    native.Model(data).selftest()


def test_writing_to_a_full_or_missing_place_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        write_file(tmp_path / "missing" / "m.eqm", b"x")
    target = tmp_path / "m.eqm"
    target.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_file(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["m.eqm"]


def test_text_of_names_is_decoded() -> None:
    assert text(b"caf\xc3\xa9") == "café" and text(None) == ""
