"""Board files: all that are shipped are sound, and what is not is an error that names the key."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from edgeq_host import board_schema, boards
from edgeq_host.board_file import Chip, examine
from edgeq_host.board_schema import Key
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
    assert examine(path) == [] and board.id == path.stem
    assert not board.link or board.link.partition(":")[0] in schemes()


@pytest.mark.parametrize("path", sorted((boards.SHIPPED / "chips").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_chip_is_sound(path: Path) -> None:
    assert boards.read_chip(path).id == path.stem


def test_every_alias_is_a_board() -> None:
    assert set(boards.ALIASES.values()) <= set(boards.paths()) and not set(boards.ALIASES) & set(boards.paths())


def test_a_family_is_no_board_and_has_several() -> None:
    assert boards.families() == ["jetson", "raspberrypi"]
    assert not set(boards.families()) & {*boards.paths(), *boards.ALIASES}
    assert [len(boards.family(name)) for name in ("jetson", "raspberrypi", "local", "")] == [5, 4, 0, 0]


def test_no_two_boards_match_the_same_device() -> None:
    """Those of one pattern would be told apart by chance."""
    patterns = [pattern for board in boards.all_boards() for pattern in board.match]
    assert len(set(patterns)) == len(patterns)
    found = {exact: [b.id for b in boards.all_boards() if any(fnmatchcase(exact, p) for p in b.match)] for exact in patterns}
    assert all(len(ids) == 1 for ids in found.values()), found


def test_on_a_jetson_the_cpu_cores_are_used_and_it_says_so() -> None:
    assert all("runs on the CPU cores, not on the GPU" in board.note for board in boards.family("jetson"))


def test_no_total_of_a_board_adds_a_rail_that_lies_inside_another() -> None:
    """AGX Orin: the three of the first sensor; the fourth is behind VIN_SYS_5V0. The others measure their input."""
    total = {board.id: board.power[0].total for board in boards.family("jetson")}
    assert total.pop("nvidia_jetson_agx_orin") == ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
    assert set(total.values()) == {("VDD_IN",), ("POM_5V_IN",)}


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
        ('link = "pipe:{agent}"', "link = 3", "link is 3"),
        ('link = "pipe:{agent}"', 'link = "pigeon:x"', "names no transport"),
        ('link = "pipe:{agent}"', 'link = "pipe"', "names no transport"),
        ('kind = "silicon"', "kind = true", "evidence.kind is True"),
        ('kind = "silicon"', 'kind = "silicon"\nsize = 4', "unknown key evidence.size"),
        ('kind = "silicon"', 'kind = "hope"', "evidence"),
        ('version = "0.1.0"', 'version = ""', "evidence"),
        ('date = "', 'date = "x', "evidence"),
        ('"generic_x86_64"', '"nothing"', "cannot be read"),
        ("id = ", 'id = "other" #', "it must be the file's stem"),
        ("[evidence]", "[evidence", "cannot be read"),
        ("chip = {", "memory_bytes = [4, 'x']\nchip = {", "memory_bytes holds 'x'"),
        ("chip = {", "memory_bytes = [0]\nchip = {", "memory_bytes holds 0"),
        ("chip = {", "memory_bytes = [true]\nchip = {", "memory_bytes holds True"),
        ("chip = {", "cores = [{ name = 'A', counts = [] }]\nchip = {", "counts is empty"),
        ("chip = {", "cores = [{ name = 'A', count = [4] }]\nchip = {", "unknown key cores.count"),
        ("chip = {", "cores = ['A']\nchip = {", "cores holds 'A', no table"),
        ("chip = {", "family = 'My Boards'\nchip = {", "family 'My Boards'"),
        ("chip = {", "power_modes = 'cpufreq'\nchip = {", "power_modes 'cpufreq'"),
        ("chip = {", "systems = [{ name = 'x', glibc = 'new' }]\nchip = {", "systems.glibc 'new'"),
        ("[evidence]", "[[power]]\nkind = 'guess'\n[evidence]", "power.kind 'guess'"),
        ("[evidence]", "[[power]]\nkind = 'rapl'\nrails = ['a', 'b']\n[evidence]", "power.total is missing"),
        ("[evidence]", "[[power]]\nkind = 'rapl'\nrails = ['a']\ntotal = ['b']\n[evidence]", "power.total names 'b'"),
        ("[evidence]", "[[power]]\nkind = 'rapl'\nrails = ['a']\ntotal = ['a', 'a']\n[evidence]", "a rail is named twice"),
        ("[evidence]", "#" * (1 << 20) + "\n[evidence]", "longer than 1048576 bytes"),
        ("id = ", "x = " + "[" * 100_000 + "\nid = ", "nested too deep"),
        ("id = ", "x." * 5000 + "y = 1\nid = ", "nested too deep"),
        ("id = ", "x = 0x" + "f" * 5000 + "\nid = ", "more than 64 bits"),
    ],
    ids=range(29),
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
    assert any(problem.text in info.value.message or "chips" in info.value.message for problem in examine(path))


def test_all_that_is_wrong_with_a_file_is_found_at_once(folder: Path) -> None:
    path = own(folder, GOOD.replace("link", "lnk").replace('kind = "silicon"', "kind = 3").replace("name", "nam"))
    texts = [problem.text for problem in examine(path)]
    assert [text.partition(" is ")[0] for text in texts] == ["unknown key nam", "unknown key lnk", "evidence.kind", "name"]
    assert examine(path)[1].hint == "did you mean link?"


def test_a_pipe_in_the_place_of_a_board_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "mine.toml")
    with pytest.raises(UsageError, match="no regular file"):
        boards.read_board(folder / "mine.toml")


def test_a_file_without_right_to_read_it_or_that_is_a_folder_is_an_error(folder: Path) -> None:
    (folder / "mine.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        boards.read_board(folder / "mine.toml")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ('"portable"', '"portabel"', "names 'portabel'"),
        ('"portable", ', "", "does not name portable"),
        ("fpu", "fpv", "did you mean|unknown key fpv"),
    ],
)
def test_a_wrong_chip_file_is_an_error(folder: Path, before: str, after: str, text: str) -> None:
    path = folder / "generic_x86_64.toml"
    path.write_text((boards.SHIPPED / "chips/generic_x86_64.toml").read_text().replace(before, after))
    with pytest.raises(UsageError, match=text):
        boards.read_chip(path)


@pytest.mark.parametrize(("machine", "arch"), [("arm64", "aarch64"), ("armv7l", "armv7"), ("AMD64", "x86_64")])
def test_local_is_there_on_every_machine_by_whatever_name(machine: str, arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert boards.resolve("local").chip.arch == arch


def test_a_machine_that_a_board_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UsageError, match="no chip for the machine 'riscv64'"):
        boards.resolve("local")


def keys_of(table: Mapping[str, Key], where: str = "") -> Iterator[str]:
    for name, key in table.items():
        if isinstance(key.of, Mapping):
            yield from keys_of(key.of, f"{where}{name}.")
        else:
            yield where + name


def test_every_key_is_in_the_readme_of_the_boards() -> None:
    text = (boards.SHIPPED / "README.md").read_text()
    keys = {*keys_of({k: v for k, v in board_schema.BOARD.items() if k != "cores"}), "cores", *keys_of(board_schema.CHIP)}
    assert [k for k in keys if f"`{k}`" not in text] == []


def test_every_key_of_a_file_is_a_field_that_code_reads() -> None:
    """A key that nothing shows or compares is not taken."""
    assert set(board_schema.BOARD) | {"path"} == {field.name for field in fields(boards.Board)}
    assert set(board_schema.CHIP) == {field.name for field in fields(Chip)}


def test_no_file_of_a_project_says_what_local_starts(folder: Path) -> None:
    own(folder, GOOD.replace("pipe:{agent}", "pipe:touch hacked"), "local")
    with pytest.raises(UsageError, match="would take the place of local"):
        boards.resolve("local")
    assert boards.resolve("sim:raspberrypi4").path.parent == boards.SHIPPED


@pytest.mark.parametrize("name", ["local", "sim_raspberrypi_4", "raspberrypi", "jetson", "host", "raspberrypi5"])
def test_a_name_that_means_something_else_is_no_id_of_a_board_of_ones_own(folder: Path, name: str) -> None:
    path = own(folder, GOOD, name)
    assert [problem.text.partition(" which")[0] for problem in boards.examine(path)] == [f"it would take the place of {name},"]
    assert boards.families() == ["jetson", "raspberrypi"] and path not in [board.path for board in boards.all_boards()]


def test_a_family_with_the_name_of_a_board_takes_nothing_from_that_board(folder: Path) -> None:
    path = own(folder, GOOD.replace("chip = {", 'family = "local"\nchip = {'))
    assert [problem.text for problem in boards.examine(path)] == ["the family local has the name of a board"]
    assert boards.families() == ["jetson", "raspberrypi"] and boards.resolve("local").path.parent == boards.SHIPPED


@pytest.mark.parametrize(("day", "text"), [("2026-13-28", "is no day"), ("20261128", "is no day"), ("2999-01-01", "in the future")])
def test_evidence_has_a_day_that_was(folder: Path, day: str, text: str) -> None:
    path = own(folder, re.sub(r"date = .*", f'date = "{day}"', GOOD))
    (problem,) = boards.examine(path)
    assert text in problem.text and day in problem.text and problem.hint


def test_a_file_that_is_not_finished_keeps_no_other_from_being_a_board(folder: Path) -> None:
    own(folder, GOOD.replace("chip", "chop"), "half")
    own(folder, GOOD, "whole")
    found, wrong = boards.survey()
    assert "whole" in {board.id for board in found} and "half" not in {board.id for board in found}
    assert len(wrong) == 1 and "half.toml: unknown key chop" in wrong[0].message
    with pytest.raises(UsageError, match="unknown key chop"):
        boards.resolve("half")


def test_a_family_in_the_place_of_a_board_is_said_to_be_one(folder: Path) -> None:
    with pytest.raises(UsageError, match="'jetson' is a family of boards, not a board") as info:
        boards.resolve("jetson")
    assert "nvidia_jetson_nano" in info.value.hint


@pytest.mark.parametrize(("word", "meant"), [("rpi5", "raspberrypi5"), ("pi4", "raspberrypi4"), ("agx", "nvidia_jetson_agx_orin")])
def test_short_words_are_known_as_well(folder: Path, word: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        boards.resolve(word)
