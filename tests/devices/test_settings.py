"""edgeq.toml: the nearest one wins over the user's, and what is wrong in it is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeq_host import settings
from edgeq_host.cli.init import template
from edgeq_host.errors import UsageError
from edgeq_host.files import MAX_TOML


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_files_nothing_is_said(project: Path) -> None:
    assert settings.files() == [] and settings.value("board", "x") == "x" and settings.value("board") is None


def test_the_project_goes_before_the_user_and_what_it_does_not_say_comes_from_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings.user_path(), 'board = "attic"\njobs = 3\n')
    write(project / "edgeq.toml", 'board = "kitchen"\n')
    assert (settings.value("board"), settings.value("jobs")) == ("kitchen", 3)
    (project / "a/b").mkdir(parents=True)
    monkeypatch.chdir(project / "a/b")
    assert settings.project_path() == project / "edgeq.toml" and settings.value("board") == "kitchen"


def test_the_user_file_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.user_path() == tmp_path / "home/.config/edgeq/edgeq.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "cfg"))
    assert settings.user_path() == tmp_path / "cfg/edgeq/edgeq.toml"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("board = 3", "board is 3"),
        ("bord = 'x'", "unknown key bord"),
        ("keep = true", "keep is True"),
        ("keep = 9", "keep is 9"),
        ("jobs = 0", "jobs is 0"),
        ("ssh = 'putty'", "ssh is 'putty'"),
        ("devices = 3", "devices is 3"),
        ("[devices]\nkitchen = 3", "devices.kitchen is 3"),
        ("[devices.kitchen]\nboard = 'x'", "devices.kitchen.address is missing"),
        ("[devices.kitchen]\naddress = 'a@b'\ntags = 'x'", "devices.kitchen.tags is 'x'"),
        ("[devices.kitchen]\naddress = 'a@b'\ntags = [1]", r"devices.kitchen.tags is \[1\]"),
        ("[devices.kitchen]\naddress = 'a@b'\nhost = 'x'", "unknown key devices.kitchen.host"),
        ("[devices.kitchen", "is not TOML"),
        ("board = '\x00'", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(project: Path, text: str, found: str) -> None:
    path = write(project / "edgeq.toml", text)
    with pytest.raises(UsageError, match=found) as info:
        settings.files()
    assert str(path) in info.value.message and info.value.hint


def test_a_file_that_is_no_text_is_named(project: Path) -> None:
    (project / "edgeq.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        settings.files()


def test_the_template_of_init_is_sound_with_and_without_its_comments() -> None:
    assert settings.parse(Path("x"), template()).values == {}
    text = "\n".join(line[2:] if " = " in line or "[devices" in line else "" for line in template().splitlines() if line.startswith("#"))
    found = settings.parse(Path("x"), text)
    assert set(found.values) == set(settings.KEYS) and set(found.devices["kitchen"]) == set(settings.DEVICE_KEYS)


DEEP = {"arrays": "a = " + "[" * 5000, "closed": "a = " + "[" * 5000 + "]" * 5000, "tables": "board." + "x." * 5000 + "y = 1"}
DEEP["headers"] = "[" + ".".join(["a"] * 5000) + "]\nb = 1"


@pytest.mark.parametrize("name", DEEP)
def test_a_file_that_is_nested_deep_is_refused(project: Path, name: str) -> None:
    with pytest.raises(UsageError, match="nested too deep"):
        settings.read(write(project / "edgeq.toml", DEEP[name]))


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "-18446744073709551616"])
def test_a_number_beyond_those_of_toml_is_refused(project: Path, number: str) -> None:
    with pytest.raises(UsageError, match=r"is not TOML: (it holds a whole number|Exceeds the limit)"):
        settings.read(write(project / "edgeq.toml", f"keep = {number}"))


def test_only_a_regular_file_of_some_length_is_read(project: Path) -> None:
    os.mkfifo(project / "pipe.toml")
    for path, says in ((project / "pipe.toml", "no regular file"), (Path("/dev/zero"), "no regular file"), (project, "directory")):
        with pytest.raises(UsageError, match=says):
            settings.read(path)
    long = project / "long.toml"
    long.touch()
    os.truncate(long, MAX_TOML + 1)
    with pytest.raises(UsageError, match="longer than"):
        settings.read(long)
    os.truncate(long, 0)
    assert settings.read(long).values == {}
