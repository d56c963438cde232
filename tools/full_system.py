"""python tools/full_system.py FOLDER ROOT: what qemu-system-aarch64 boots into sshd, made once in FOLDER, as root.

kernel and initramfs: of Debian's kernel for virtual machines, with the modules it needs and tools/full_system_init.c as process 1.
system.img: ext4 of ROOT, the root file system that tools/rootfs.sh has made. tests.ssh.full_system.FullSystemSshd starts them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from edgeq_runtime import build

TOOLS = Path(__file__).resolve().parent
INIT = TOOLS / "full_system_init.c"
SUITE, PACKAGE = "bookworm", "linux-image-cloud-arm64"
MODULES = ("virtio_pci", "virtio_net", "virtio_blk")  # beside what they need
FOLDERS = ("dev", "system")
SPARE = 1.25  # of a file system beside its files
DIRECTORY, FILE, PROGRAM = 0o40755, 0o100644, 0o100755


def entry(name: str, mode: int, data: bytes) -> bytes:
    """One entry of a cpio archive of the kind newc."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def with_needed(names: tuple[str, ...], modules: dict[str, Path]) -> list[Path]:
    """The files of modules, each after those that it depends on; a module that is none is built into the kernel."""
    found: list[Path] = []
    for path in (modules[name] for name in names if name in modules):
        depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        needed = depends[1].decode().replace("-", "_").split(",") if depends else []
        found += [p for p in (*with_needed(tuple(needed), modules), path) if p not in found]
    return found


def make_init(output: Path) -> bytes:
    config = build.cross("agent", "aarch64")
    flags = ["-std=c11", "-D_DEFAULT_SOURCE", "-Os", "-static", "-Wall", "-Wextra", "-Wconversion", "-Werror", *config.flags, *config.link]
    subprocess.run([*config.cc.split(), *flags, str(INIT), "-o", str(output)], check=True)
    return output.read_bytes()


def make_initramfs(init: bytes, modules: list[Path]) -> bytes:
    entries = [entry(name, DIRECTORY, b"") for name in (*FOLDERS, "modules")]
    entries += [entry(f"modules/{i:02}.ko", FILE, path.read_bytes()) for i, path in enumerate(modules)]
    return b"".join([*entries, entry("init", PROGRAM, init), entry("TRAILER!!!", 0, b"")])


def fetch_kernel(folder: Path) -> tuple[Path, dict[str, Path]]:
    """The kernel, and every module by its name, unpacked below a folder."""
    mirror = subprocess.run([TOOLS / "mirror.sh", SUITE], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    how = ["--quiet", "--arch=arm64", "--variant=extract", "--mode=root", "--skip=check/qemu", f"--include={PACKAGE}"]
    subprocess.run(["mmdebstrap", *how, SUITE, str(folder), mirror], check=True)
    (kernel,) = (folder / "boot").glob("vmlinuz-*")
    return kernel, {path.stem.replace("-", "_"): path for path in (folder / "lib" / "modules").rglob("*.ko")}


def make_system(root: Path, image: Path) -> None:
    files = sum(-(-path.lstat().st_size // 4096) * 4096 for path in root.rglob("*"))
    command = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(root), str(image), f"{int(files * SPARE) // 1024}k"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make(folder: Path, root: Path) -> None:
    """Beside the folder and renamed; nothing where it is there and what it is made of has not changed."""
    parts = [INIT.read_bytes(), Path(__file__).read_bytes(), (root / "complete").read_bytes()]
    state = hashlib.sha256(b"\0".join(parts)).hexdigest()
    complete = folder / "complete"
    if complete.is_file() and complete.read_text() == state:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        kernel, modules = fetch_kernel(Path(scratch) / "packages")
        shutil.copyfile(kernel, new / "kernel")
        (new / "initramfs").write_bytes(make_initramfs(make_init(Path(scratch) / "init"), with_needed(MODULES, modules)))
        make_system(root, new / "system.img")
        (new / "complete").write_text(state)
        new.rename(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
