"""An account whose ForceCommand prints escape sequences does not move the terminal of whoever sets its device up."""

from __future__ import annotations

import pytest

from bench.ssh.server import USER
from edgeq_host.cli.main import entry
from tests.ssh.conftest import Site


def test_a_forced_command_cannot_set_the_title_of_the_terminal(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = site.server(options=("ForceCommand printf '\\033]0;owned\\007' >&2; printf '\\033[2J'; exit 5",))
    monkeypatch.setenv("EDGEQ_SSH", site.client)
    with pytest.raises(SystemExit) as left:
        entry(["devices", "setup", f"ssh:{USER}@127.0.0.1:{server.port}", "--python"])
    shown = capsys.readouterr()
    assert left.value.code == 4 and shown.out == ""
    assert "\\x1b" in shown.err and not set(shown.err) & set("\x1b\x07")
