"""Seconds that somebody gives are finite, at the command line and in Python; nothing is sent before that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_host.boards import resolve
from edgeq_host.deploy import deploy, rollback, status
from edgeq_host.errors import UsageError
from edgeq_host.targets import of_board
from tests.cli.conftest import DIGITS, Edgeq

ODD = ["nan", "inf", "-inf", "1e999"]


@pytest.mark.parametrize("text", ODD)
def test_a_time_out_that_is_not_finite_is_a_usage_error(edgeq: Edgeq, packed: Path, text: str) -> None:
    for words in (("deploy", packed), ("rollback", "digits")):
        found = edgeq(*words, "-b", "local", "--timeout", text)
        assert found.code == 2 and "--timeout" in found.err
    assert not Path("store").exists()


def test_a_very_long_time_out_is_as_long_as_the_protocol_can_say(edgeq: Edgeq, packed: Path) -> None:
    assert edgeq("deploy", packed, "-b", "local", "--timeout", "1e308").code == 0


@pytest.mark.parametrize("text", [*ODD, "0", "-1"])
def test_so_it_is_in_python(edgeq: Edgeq, packed: Path, text: str) -> None:
    local, odd = of_board(resolve("local")), float(text)
    for call in (
        lambda: deploy(local, packed, selftest_s=odd),
        lambda: deploy(local, packed, quiet_s=odd),
        lambda: rollback(local, "digits", quiet_s=odd),
        lambda: status(local, quiet_s=odd),
    ):
        with pytest.raises(UsageError, match="no number of seconds"):
            call()
    assert not Path("store").exists()


@pytest.mark.parametrize("text", ["nan", "inf%", "nan%"])
def test_a_gate_that_is_not_finite_is_a_usage_error(edgeq: Edgeq, packed: Path, text: str) -> None:
    found = edgeq("eval", packed, "--data", DIGITS / "test.npz", "--min", text)
    assert found.code == 2 and "not a number" in found.err
