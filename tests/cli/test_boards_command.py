"""`edgeq boards`: what is known of each board, and files of one's own."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from edgeq_host import board_schema, boards
from tests.cli.conftest import Edgeq

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(autouse=True)
def no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEQ_BOARD_PATH", raising=False)


def test_list_has_a_row_for_every_board(edgeq: Edgeq) -> None:
    shown, found = edgeq("boards", "list"), edgeq("boards", "list", "--json").json
    assert shown.code == 0 and [row.split()[0] for row in shown.out.splitlines()[1:]] == list(boards.paths())
    assert [board["id"] for board in found["boards"]] == list(boards.paths()) and found["aliases"] == dict(boards.ALIASES)
    assert {board["evidence"]["kind"] for board in found["boards"]} == set(board_schema.EVIDENCE)


def test_list_has_the_other_names_of_a_board(edgeq: Edgeq) -> None:
    rows = {row.split()[0]: row for row in edgeq("boards", "list").out.splitlines()[1:]}
    for name, board in boards.ALIASES.items():
        assert name in rows[board].replace(",", " ").split(), name


@pytest.mark.parametrize("place", ["none/r.toml", ".", "file/r.toml"])
def test_verify_does_not_begin_where_its_report_cannot_be_written(
    place: str, edgeq: Edgeq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("edgeq_host.verify.verify", lambda *words: pytest.fail("it has begun"))
    before = sorted(tmp_path.rglob("*"))
    done = edgeq("boards", "verify", "local", "-o", place)
    assert done.code == 3 and place in done.err and "hint:" in done.err and done.out == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", [*boards.paths()])
def test_show_says_everything_that_the_file_says(edgeq: Edgeq, name: str) -> None:
    board, shown = boards.resolve(name), edgeq("boards", "show", name)
    said = [*board.match, *board.thermal_zones, *board.chip.isas, board.note, board.chip.note, board.evidence.how, board.power_modes]
    said += [text for power in board.power for text in (*power.rails, *power.total, power.note)]
    said += [text for s in board.systems for text in (s.name, s.glibc, s.python)] + [
        text for a in board.alarms for text in (a.hwmon, a.file)
    ]
    said += [core.name for core in board.cores]
    assert shown.code == 0 and [text for text in said if text not in shown.out] == []
    assert ("CPU cores, not on the GPU" in shown.out) == (board.family == "jetson")
    assert edgeq("boards", "show", name, "--json").json["boards"][0]["id"] == name


def test_show_of_a_family_shows_its_members(edgeq: Edgeq) -> None:
    shown = edgeq("boards", "show", "jetson")
    assert shown.code == 0 and shown.out.count("not on the GPU") == len(boards.family("jetson")) == 5
    wrong = edgeq("boards", "show", "jetsn")
    assert wrong.code == 2 and "did you mean jetson" in wrong.err


def test_a_new_file_is_sound_is_found_and_is_never_overwritten(edgeq: Edgeq) -> None:
    assert edgeq("boards", "new", "acme_gateway").code == 0
    path = Path("boards/acme_gateway.toml")
    assert edgeq("boards", "validate", path).code == 0 and "acme_gateway" in edgeq("boards", "list").out
    before = path.read_bytes()
    again = edgeq("boards", "new", "acme_gateway")
    assert again.code == 2 and "is there already" in again.err and path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_every_commented_key_of_a_new_file_is_one_that_is_taken(edgeq: Edgeq) -> None:
    edgeq("boards", "new", "acme_gateway")
    path = Path("boards/acme_gateway.toml")
    text = "\n".join(line.removeprefix("# ") if " = " in line.partition("#")[2] else line for line in path.read_text().splitlines())
    path.write_text(text)
    assert set(tomllib.loads(text)) == set(board_schema.BOARD) - {"link", *board_schema.MICROCONTROLLER}
    assert edgeq("boards", "validate", path).out.endswith("sound\n")


def test_a_new_file_from_a_device_says_what_it_is(edgeq: Edgeq) -> None:
    made = edgeq("boards", "new", "this_machine", "--from", "local", "--json")
    assert made.code == 0 and made.json["file"] == "boards/this_machine.toml"
    board, text = boards.read_board(Path(made.json["file"])), Path(made.json["file"]).read_text()
    assert board.chip.arch == platform.machine() and board.memory_bytes and "read on the device" in board.evidence.how
    assert "# match =" in text or board.match
    gone = edgeq("boards", "new", "other", "--from", "pipe:/nowhere/agent")
    assert gone.code in (2, 4) and not Path("boards/other.toml").exists()


@pytest.mark.parametrize("words", [("../x",), ("Pi5",), ("a__b",), ("x", "-o", "boards/y.toml"), ("x", "-o", "/proc/x.toml"), ("x" * 300,)])
def test_a_new_file_that_cannot_be_is_refused_and_nothing_is_written(edgeq: Edgeq, tmp_path: Path, words: tuple[str, ...]) -> None:
    refused = edgeq("boards", "new", *words)
    assert refused.code == 2 and "error:" in refused.err and "hint:" in refused.err
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_validate_says_every_problem_of_every_file(edgeq: Edgeq, tmp_path: Path) -> None:
    chips = tmp_path / "chips"
    chips.mkdir()
    (chips / "mine.toml").write_text('id = "mine"\nname = "x"\narch = "z80"\nisas = ["mmx"]\nfpu = 1\n')
    Path("one.toml").write_text('id = "one"\nnam = "x"\nchip = "mine"\n')
    Path("two.toml").write_bytes(b"\xff")
    shown = edgeq("boards", "validate", "one.toml", "two.toml", "gone.toml", "chips/mine.toml")
    assert shown.code == 2
    for text in ("unknown key nam; did you mean name?", "name is missing", "evidence is missing", "fpu is 1", "gone.toml: 1 problem"):
        assert text in shown.out, text
    found = edgeq("boards", "validate", "one.toml", "two.toml", "--json")
    assert found.code == 2 and [len(file["problems"]) for file in found.json["files"]] == [3, 1] and found.json["sound"] is False


def test_all_shipped_files_are_sound(edgeq: Edgeq) -> None:
    shown = edgeq("boards", "validate", *sorted((boards.SHIPPED / "chips").glob("*.toml")))
    assert shown.code == 0 and edgeq("boards", "validate").code == 0


def test_a_new_board_takes_no_place_or_says_whose(edgeq: Edgeq) -> None:
    for name in ("local", "raspberrypi", "host"):
        refused = edgeq("boards", "new", name)
        assert refused.code == 2 and f"take the place of {name}" in refused.err and not Path("boards", f"{name}.toml").exists()
    made = edgeq("boards", "new", "raspberrypi_5")
    assert made.code == 0 and "edgeq ships a board raspberrypi_5" in made.err
    assert edgeq("boards", "new", "raspberrypi_4b", "--json").json["replaces"] == "raspberrypi_4b"
    assert edgeq("boards", "new", "acme_gateway", "--json").json["replaces"] is None


def test_a_file_that_is_not_finished_is_named_beside_the_list(edgeq: Edgeq) -> None:
    Path("boards").mkdir()
    Path("boards/half.toml").write_text('id = "half"\nname = "x"\n')
    shown = edgeq("boards", "list")
    assert shown.code == 0 and "raspberrypi_5" in shown.out and "half.toml: chip is missing" in shown.err
    (text,) = edgeq("boards", "list", "--json").json["wrong"]
    assert "half.toml: chip is missing" in text
    assert edgeq("status", "-b", "local").code == edgeq("devices", "list").code == 0
    assert edgeq("boards", "validate").code == 2
