"""An emulated 64-bit Arm device: an sshd of its own user land under proot and qemu-user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.ssh.server import Sshd


@dataclass
class Arm64Sshd(Sshd):
    """The sshd of an arm64 root file system (tools/rootfs.sh) under proot and qemu-user: every program of its sessions is emulated."""

    root: Path = Path()

    def _sshd(self) -> list[str]:
        shown = [word for place in ("/proc", "/dev", str(self.folder)) for word in ("-b", place)]
        return ["proot", "-q", "qemu-aarch64-static", "-r", str(self.root), *shown, "-w", "/", "/usr/sbin/sshd"]
