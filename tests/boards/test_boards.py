"""Board files: all that are shipped are sound, and what is not is an error that names the key."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from edgeq_host import boards
from edgeq_host.errors import UsageError
from edgeq_host.transports import schemes

GOOD = (boards.SHIPPED / "local.toml").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """./boards of an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEQ_BOARD_PATH", raising=False)
    (tmp_path / "boards").mkdir()
    return tmp_path / "boards"


def own(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text.replace('id = "local"', f'id = "{name}"'))
    return path


@pytest.mark.parametrize("path", sorted(boards.SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_board_is_sound_and_its_transport_exists(path: Path) -> None:
    board = boards.read_board(path)
    assert board.id == path.stem and board.link.partition(":")[0] in schemes()


@pytest.mark.parametrize("path", sorted((boards.SHIPPED / "chips").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_chip_is_sound(path: Path) -> None:
    assert boards.read_chip(path).id == path.stem


def test_every_alias_is_a_board() -> None:
    assert set(boards.ALIASES.values()) <= set(boards.paths()) and not set(boards.ALIASES) & set(boards.paths())


def test_local_has_the_chip_of_this_machine() -> None:
    board = boards.resolve("local")
    assert board.chip.arch == platform.machine() and board == boards.resolve("host")


def test_a_board_that_does_not_exist_is_said_with_the_list_and_what_was_perhaps_meant() -> None:
    with pytest.raises(UsageError, match=r"no board 'locl'; did you mean local") as info:
        boards.resolve("locl")
    assert "boards: " in info.value.hint and "local" in info.value.hint


def test_own_boards_are_found_in_the_project_and_on_the_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(folder, GOOD)
    assert boards.resolve("mine").path.parent == folder
    other = tmp_path / "other"
    other.mkdir()
    own(other, GOOD.replace("This machine", "Another"))
    monkeypatch.setenv("EDGEQ_BOARD_PATH", f"/nowhere:{other}")
    assert boards.resolve("mine").name.startswith("Another")
    assert boards.resolve("local").path.parent == boards.SHIPPED


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ('link = "pipe:{agent}"', 'lnk = "pipe:{agent}"', "unknown key lnk"),
        ('link = "pipe:{agent}"', "", "link is missing"),
        ('link = "pipe:{agent}"', "link = 3", "link is 3"),
        ('link = "pipe:{agent}"', 'link = "pigeon:x"', "names no transport"),
        ('link = "pipe:{agent}"', 'link = "pipe"', "names no transport"),
        ('kind = "silicon"', "kind = true", "evidence.kind is True"),
        ('kind = "silicon"', 'kind = "silicon"\nsize = 4', "unknown key evidence.size"),
        ('kind = "silicon"', 'kind = "hope"', "evidence"),
        ('version = "0.1.0"', 'version = ""', "evidence"),
        ('date = "', 'date = "x', "evidence"),
        ('"host_x86_64"', '"nothing"', "cannot be read"),
        ("id = ", 'id = "other" #', "it must be the file's stem"),
        ("[evidence]", "[evidence", "cannot be read"),
    ],
)
def test_a_wrong_board_file_is_an_error_that_names_file_and_key(
    folder: Path, before: str, after: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    path = own(folder, GOOD)
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(UsageError, match=text) as info:
        boards.read_board(path)
    assert str(folder.parent) in info.value.message or "chips" in info.value.message


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ('"portable"', '"portabel"', "names 'portabel'"),
        ('"portable", ', "", "does not name portable"),
        ("fpu", "fpv", "did you mean|unknown key fpv"),
    ],
)
def test_a_wrong_chip_file_is_an_error(folder: Path, before: str, after: str, text: str) -> None:
    path = folder / "host_x86_64.toml"
    path.write_text((boards.SHIPPED / "chips/host_x86_64.toml").read_text().replace(before, after))
    with pytest.raises(UsageError, match=text):
        boards.read_chip(path)


def test_a_machine_that_a_board_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UsageError, match="no chip for the machine 'riscv64'"):
        boards.resolve("local")


def test_every_key_is_in_the_readme_of_the_boards() -> None:
    text = (boards.SHIPPED / "README.md").read_text()
    keys = [*boards._BOARD_KEYS, *boards._CHIP_KEYS]
    keys += [f"evidence.{k}" for k in boards._EVIDENCE_KEYS]
    assert [k for k in keys if f"`{k}`" not in text and k != "evidence"] == []
