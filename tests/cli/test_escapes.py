"""What a device says cannot move the terminal of whoever reads it."""

from __future__ import annotations

import pytest

from edgeq_host.cli import output
from tests.cli.conftest import Edgeq

TITLE = "\x1b]0;owned\x07"
SAYS = "pipe:sh -c 'printf \"\\033]0;owned\\007two\\nlines\\n\" >&2; exit 3'"


def test_the_error_of_an_agent_is_shown_without_its_escape_sequences(edgeq: Edgeq) -> None:
    found = edgeq("status", "-b", SAYS)
    assert found.code == 4 and "\\x1b]0;owned\\x07two\nlines" in found.err
    assert not set(found.out + found.err) & set("\x1b\x07")
    assert TITLE in edgeq("status", "-b", SAYS, "--json").json["error"]["message"]  # for programs, as it is


def test_the_lines_of_several_devices_hold_none(edgeq: Edgeq) -> None:
    found = edgeq("status", "-b", SAYS, "-b", SAYS.replace("exit 3", "exit 4"))
    assert found.code == 7 and found.out.count("\\x1b]0;owned") == 2
    assert not set(found.out + found.err) & set("\x1b\x07")


def test_every_way_to_print_for_people_writes_control_characters_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.line(f"a{TITLE}\n\tb\x9b")
    output.note(f"a{TITLE}\n\tb\u202e")
    output.trace(ValueError(TITLE))
    output.table(["", ""], [[TITLE, "x\ny"]])
    shown = capsys.readouterr()
    assert not set(shown.out + shown.err) & set("\x1b\x07\x9b\u202e")
    assert shown.out.startswith("a\\x1b]0;owned\\x07\n\tb\\x9b\n") and "x\\ny" in shown.out
    assert shown.err.startswith("a\\x1b]0;owned\\x07\n\tb\\u202e\n")
