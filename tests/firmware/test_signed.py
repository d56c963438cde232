"""Signed models on an emulated chip: once a key is enrolled its firmware takes no others, and none that is older."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_host import enroll, keys, programs, signing
from edgeq_host.deploy import deploy, remove, rollback, status
from edgeq_host.errors import SignatureError
from edgeq_runtime import build, firmware
from tests.agent.conftest import packed
from tests.firmware.conftest import Chip

pytestmark = pytest.mark.slow


def test_a_chip_with_a_key_takes_what_it_signed_and_nothing_else(chip: Chip, tmp_path: Path) -> None:
    target, file = chip("sim:cortex-m4"), tmp_path / "clip.eqm"
    public = keys.create(tmp_path / "release.key", "release")
    keys.create(tmp_path / "other.key", "other")
    release, other = (keys.read_private(keys.Secret(file=tmp_path / f"{name}.key"), None) for name in ("release", "other"))

    def send(data: bytes) -> bool:
        file.write_bytes(data)
        return deploy(target, file).changed

    assert send(packed(1)), "without a key every file is taken"
    enroll.enroll(target, public, None)
    assert [key.key.name for key in enroll.enrolled(target)] == ["release"]
    second = signing.sign(packed(2), "clip", release, 2)
    for refused in (packed(2), signing.sign(packed(2), "clip", other, 2)):
        with pytest.raises(SignatureError):
            send(refused)
    assert send(second)
    with pytest.raises(SignatureError, match="older"):
        send(signing.sign(packed(3), "clip", release, 1))
    rollback(target, "clip")
    remove(target, "clip")
    with pytest.raises(SignatureError, match="older"):  # also after a start of the chip, and a removal
        send(signing.sign(packed(3), "clip", release, 1))
    assert send(signing.sign(packed(3), "clip", release, 3))
    assert [model.name for model in status(target).models] == ["clip"]


def test_a_key_that_is_built_in_holds_from_the_first_start_on(chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, file = chip("sim:cortex-m4"), tmp_path / "clip.eqm"
    keys.create(tmp_path / "factory.key", "factory")
    keys.create(tmp_path / "other.key", "other")
    image = build.image("mps2_an386", None, tmp_path / "factory.pub")
    assert image.parent.name == "mps2_an386-trust"
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "mps2_an386").symlink_to(image.parent)
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path / "firmware")
    file.write_bytes(packed(1))
    with pytest.raises(SignatureError, match="not signed"):
        deploy(target, file)
    with pytest.raises(SignatureError):  # nor is another key let in: the chip has nothing that nobody can foretell to prove a change with
        enroll.enroll(target, keys.read_public(tmp_path / "other.pub"), None)
    private = keys.read_private(keys.Secret(file=tmp_path / "factory.key"), None)
    file.write_bytes(signing.sign(packed(1), "clip", private, 1))
    assert deploy(target, file).changed
    assert [key.key.name for key in enroll.enrolled(target)] == ["factory"]


BEGIN, END = "-----BEGIN PUBLIC KEY-----\n", "\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("text", ["", f"{BEGIN}AAAA{END}", f"{BEGIN}A{END}"])
def test_what_is_no_public_key_is_not_built_in(text: str, tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text(text)
    with pytest.raises(build.BuildError, match="is no public key"):
        firmware.trusted(tmp_path / "k.pub")
    with pytest.raises(build.BuildError, match="is no public key"):
        firmware.trusted(tmp_path / "missing.pub")
