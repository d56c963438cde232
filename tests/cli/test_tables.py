"""Tables on a narrow terminal: names are shortened, numbers never."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest


def on_terminal(command: list[str], columns: int, extra: dict[str, str]) -> str:
    """What a command prints to a terminal of that width."""
    main, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(command, stdout=child, stderr=subprocess.PIPE, env={**os.environ, **extra}) as process:
        os.close(child)
        parts = []
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
    os.close(main)
    assert process.returncode == 0
    return b"".join(parts).decode()


@pytest.mark.parametrize("columns", [40, 80])
def test_no_number_is_cut_on_a_narrow_terminal(packed: Path, columns: int) -> None:
    command = [sys.executable, "-m", "edgeq_host.cli.main", "inspect", str(packed)]
    wide, narrow = (on_terminal(command, width, {"NO_COLOR": "1"}) for width in (400, columns))
    numbers = [line.split()[-1] for line in wide.splitlines() if "_s8" in line]
    joined = narrow.replace("\r\n", "").replace("\n", "")
    assert numbers and all(n in joined for n in numbers) and "…" not in narrow


def test_no_color_leaves_out_every_escape(packed: Path) -> None:
    text = on_terminal([sys.executable, "-m", "edgeq_host.cli.main", "inspect", str(packed)], 200, {"NO_COLOR": "1"})
    assert "\x1b" not in text
