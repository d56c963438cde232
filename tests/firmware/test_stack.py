"""The bound of a firmware's stack against what runs really take: the emulated memory is zero until something is written."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import programs
from edgeq_host.deploy import connect, deploy
from edgeq_runtime import build
from tests.firmware.conftest import Chip
from tests.firmware.test_image import KWS
from tests.networks import zoo

pytestmark = pytest.mark.slow
WRAPPER = """#!{python}
import os, sys
words = sys.argv[1:]
words[words.index("-monitor") + 1] = "unix:{monitor},server=on,wait=off"
os.execv("{real}", ["{real}", *words])
"""


class Watch(threading.Thread):
    """Copies the memory of whatever chip runs, again and again. depth: the most of its stack that was ever seen written."""

    def __init__(self, monitor: Path, copy: Path, bottom: int, size: int) -> None:
        super().__init__(daemon=True)
        self.monitor, self.copy, self.bottom, self.size = monitor, copy, bottom, size
        self.depth, self.looks, self.over = 0, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            try:
                with socket.socket(socket.AF_UNIX) as line:
                    line.connect(str(self.monitor))
                    while not self.over.wait(0.02) and _said(line):
                        line.sendall(f'pmemsave {self.bottom} {self.size} "{self.copy}"\n'.encode())
                        if _said(line):
                            self._look()
                            line.sendall(b"\n")
            except OSError:
                continue

    def _look(self) -> None:
        if self.copy.exists() and len(data := self.copy.read_bytes()) == self.size:
            used = np.flatnonzero(np.frombuffer(data, np.uint8))
            self.depth = max(self.depth, self.size - int(used[0]) if used.size else 0)
            self.looks += 1

    def again(self) -> None:
        """Until what is there now has been seen."""
        until, end = self.looks + 2, time.monotonic() + 20
        while self.looks < until and time.monotonic() < end:
            time.sleep(0.01)


def _said(line: socket.socket) -> bool:
    """Everything up to the monitor's prompt; False: it has ended."""
    text = b""
    while not text.endswith(b"(qemu) "):
        if not (more := line.recv(65536)):
            return False
        text += more
    return True


def test_no_run_takes_more_stack_than_the_bound_says(chip: Chip, assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, image = chip("sim:cortex-m4"), build.image("mps2_an386", KWS)
    sizes = json.loads((image.parent / "edgeq.size.json").read_text(encoding="utf-8"))
    real, tools, monitor = shutil.which("qemu-system-arm"), tmp_path / "tools", tmp_path / "m"
    tools.mkdir()
    (tools / "qemu-system-arm").write_text(WRAPPER.format(python=sys.executable, monitor=monitor, real=real))
    (tools / "qemu-system-arm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "mps2_an386").symlink_to(image.parent)
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path / "firmware")
    watch = Watch(monitor, tmp_path / "copy", 0x20000000, sizes["stack_reserved_bytes"])
    watch.start()
    file = tmp_path / "kws.eqm"
    file.write_bytes(zoo.packed(assets, "kws_ref_model"))
    deploy(target, file)
    with connect(target) as device:
        device.open("kws")
        assert len(list(device.profile(2, 1))) == 2
        device.selftest("kws", 60)
        watch.again()
    watch.over.set()
    watch.join()
    print(f"{watch.depth} bytes of stack, of {sizes['stack_bytes']} at most")
    assert 1_000 < watch.depth <= sizes["stack_bytes"]
