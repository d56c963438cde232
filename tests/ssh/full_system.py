"""A whole emulated device: kernel, disk, network and sshd under qemu-system-aarch64, which can lose its power."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.ssh.server import Sshd, program

CORES, MEMORY_MB, DISK_MB = 2, 512, 256


@dataclass
class FullSystemSshd(Sshd):
    """Boots what tools/full_system.py has made, with a disk of its own for what must last, the configuration of the first start too.
    cpu: as QEMU names it. The one account is root."""

    system: Path = Path()
    cpu: str = "cortex-a72"
    start_limit_s: ClassVar[float] = 120.0  # an idle machine takes 5

    @property
    def there(self) -> Path:
        return Path("/root")

    @property
    def listens_at(self) -> tuple[str, int]:
        return "0.0.0.0", 22

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    def _make_disk(self) -> None:
        """ext4 with the server's files and an empty home."""
        files = self.folder / "disk"
        (files / "home").mkdir(parents=True)
        for name in ("sshd_config", "host_key", "authorized_keys"):
            shutil.copy(self.folder / name, files)
        mke2fs = program("mke2fs") or "mke2fs"
        subprocess.run([mke2fs, "-q", "-t", "ext4", "-d", str(files), str(self.disk), f"{DISK_MB}m"], check=True, capture_output=True)

    def _command(self) -> list[str]:
        if not self.disk.exists():
            self._make_disk()
        drives = [f"file={self.system}/system.img,readonly=on", f"file={self.disk}"]
        disks = [
            word
            for i, drive in enumerate(drives)
            for word in ("-drive", f"if=none,id=d{i},format=raw,{drive}", "-device", f"virtio-blk-pci,drive=d{i}")
        ]
        network = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"
        return [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", self.cpu, "-smp", str(CORES), "-m", str(MEMORY_MB)),
            *("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"),
            *("-kernel", f"{self.system}/kernel", "-initrd", f"{self.system}/initramfs", "-append", "console=ttyAMA0 quiet panic=-1"),
            *disks,
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
        ]

    def cut_power(self) -> None:
        """Without a word to the system: what it has not written to its disk is lost. start() boots it again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None
