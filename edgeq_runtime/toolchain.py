"""How csrc is compiled: compilers, their flags, and the machines that zig compiles for. What is made of it: edgeq_runtime.build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from edgeq_runtime import lists

PACKAGE = Path(__file__).resolve().parent
CSRC = lists.CSRC.resolve()
BUILD = PACKAGE.parent / "build"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SMALL = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables")  # a tenth of the library; nothing unwinds through it
PLAIN = ("-std=c11", "-ffp-contract=off", *SMALL, *WARNINGS)
BASE = (*PLAIN, "-fPIC", "-D_DEFAULT_SOURCE")
SANITIZE = ("-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FUZZ = ("-g", "-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
HOT = {  # operators, their helpers and portable kernels that are compiled for speed, as all kernels of instruction sets are
    *("add_s16", "add_s8", "avg_pool2d_s8", "band", "clip_s8", "depthwise_conv2d_s8", "depthwise_lines", "fully_connected_s8", "gemm_band"),
    *("gemm_s8", "max_pool2d_s16", "panel", "pool", "softmax_s8", "window"),
    *(f"{name}__portable" for name in ("gemm_s8_s16_s8", "gemm_s16_s16_s8", "gemm_f32_f32_f32")),
    *(f"dwconv_{name}__portable" for name in ("s8_s8_s8", "s16_s16_s8", "f32_f32_f32")),
}
SHORT = ("-O2", "-fno-unroll-loops")  # of the others
SMALLEST = ("agent", "hash")  # folders whose code takes no time that counts
THIRD_PARTY = ("-Os", "-w", "-ffunction-sections", "-fdata-sections")  # what nobody calls of it is left out by --gc-sections
CORE = ("csrc", "ops", "kernels", "hash")  # folders of what calls nothing of the C library but memcpy and its like, which a test checks
SHARED = ("lib", "bench")  # targets that are shared libraries
SHIPS = (*SHARED, "agent")  # targets that go to users


@dataclass(frozen=True)
class Machine:
    """zig's names of a machine: `shared` with the oldest glibc that libraries need, `static` for programs with musl inside.
    `wheel` is the platform in a wheel's name, which pip compares with its machine and glibc."""

    static: str
    shared: str
    wheel: str
    flags: tuple[str, ...] = ()


CROSS = {
    "aarch64": Machine("aarch64-linux-musl", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64"),
    "armv7": Machine("thumb-linux-musleabihf", "arm-linux-gnueabihf.2.17", "manylinux_2_17_armv7l", ("-mcpu=generic+v7a-neon+vfp3d16",)),
    "x86_64": Machine("x86_64-linux-musl", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64"),
}


class BuildError(Exception):
    """A compiler is missing or refused a file; the text is its own."""


@dataclass(frozen=True)
class Config:
    """One way to compile: `tag` names its folder of objects, "" the one that ships. `flags` go to every file and to the linker,
    `link` to the linker alone. `core`: compiles the files of CORE instead, so that two C libraries share their objects. `scripts`: what the
    linker reads beside the objects. `chip`: for a microcontroller, where what is no kernel is compiled for size."""

    cc: str
    tag: str = ""
    flags: tuple[str, ...] = ()
    sources: tuple[Path, ...] = field(default=())  # compiled and linked beside those of the target
    link: tuple[str, ...] = ()
    core: Config | None = None
    libraries: tuple[str, ...] = ("-lm", "-pthread")
    scripts: tuple[Path, ...] = ()
    chip: bool = False

    @property
    def folder(self) -> Path:
        return BUILD / (self.tag or "default")

    def of(self, source: Path) -> Config:
        """Who compiles a file."""
        return self.core if self.core and source.parent.name in CORE else self


def default_cc() -> str:
    """$CC, or the first of cc, gcc, clang that exists."""
    for name in filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")):
        if shutil.which(name.split()[0]):
            return name
    raise BuildError("no C compiler found: looked for $CC, cc, gcc and clang; install gcc or clang")


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"cannot run {' '.join(command)}: {error}") from error


def rows() -> dict[str, lists.Isa]:
    return {**lists.isas(), **lists.sha256s()}


def enabled(cc: str) -> dict[str, bool]:
    """Which rows of isa.def and sha256.def the compiler's target has."""
    words = cc.split()
    triple = words[words.index("-target") + 1] if "-target" in words else _output([*words, "-dumpmachine"])
    machine = re.sub(r"^(armv\d\w*|thumb)$", "arm", triple.split("-")[0])
    return {name: isa.arch in ("any", machine) for name, isa in rows().items()}


def _isa_flags(config: Config, isa: str) -> list[str]:
    """The flags of a row; zig has its own names for Arm architectures: armv8.2-a+dotprod is generic+v8_2a+dotprod,
    armv8-a+crypto generic+crypto, and -mfpu is a part of armv7-a's."""
    flags = rows()[isa].flags
    if "ziglang" not in config.cc:
        return list(flags)
    if "-mfpu=neon" in flags:
        return ["-mcpu=generic+v7a+neon"]
    named = [re.sub(r"^-march=armv(\d)\.(\d)-a", r"-mcpu=generic+v\1_\2a", flag) for flag in flags]
    return [re.sub(r"^-march=armv8-a", "-mcpu=generic", flag) for flag in named]


def compile_command(config: Config, on: dict[str, bool], source: Path, target: Path) -> list[str]:
    folder = source.parent.name
    isa = source.stem.rpartition("__")[2] if folder in ("kernels", "hash") else "portable"
    hot = (folder == "kernels" and isa != "portable") or (folder in ("kernels", "ops") and source.stem in HOT)
    how: Sequence[str] = ("-O3",) if hot else SHORT
    if "third_party" in source.parts:
        how = THIRD_PARTY
    elif folder in SMALLEST or (config.chip and folder != "kernels"):
        how = ("-Os",)
    flags = [*(PLAIN if config.chip else BASE), *how, *config.flags, *_isa_flags(config, isa)]
    defines = [f"-DEQ_ON_{name}={int(on[name])}" for name in rows() if name in on]
    return [*config.cc.split(), *flags, *defines, f"-I{CSRC}", "-MMD", "-c", str(source), "-o", str(target)]


def zig() -> str:
    """The program in the package ziglang."""
    found = find_spec("ziglang")
    if found is None or not found.submodule_search_locations:
        raise BuildError("ziglang is not installed: pip install 'edgeq[cross]'")
    return str(Path(found.submodule_search_locations[0]) / "zig")


def cross(target: str, arch: str) -> Config:
    """With zig cc, for another machine; stripped but for the runner, whose symbols instructions are counted by."""
    machine = CROSS[arch]
    flags = ("-g0", "-ffunction-sections", *machine.flags)
    link = ("-Wl,--gc-sections", *(() if target == "runner" else ("-s",)))
    static = Config(f"{zig()} cc -target {machine.static}", machine.static, flags, link=link)
    if target not in SHARED:
        return static
    return Config(f"{zig()} cc -target {machine.shared}", machine.shared, flags, link=link, core=static)


def config_for(target: str, cc: str | None, sanitize: bool, arch: str | None = None) -> Config:
    """Of a target of edgeq_runtime.build; a name that is none is a program of csrc/fuzz."""
    if arch:
        return cross(target, arch)
    if (CSRC / "fuzz" / f"{target}.c").is_file():
        return Config(cc or "clang", "fuzz", FUZZ)
    flags = SANITIZE if sanitize else ()
    name = Path((cc or "").split()[0]).name if cc else ""
    tag = "-".join(filter(None, (name, "sanitize" if sanitize else "")))
    return Config(cc or default_cc(), tag, flags)
