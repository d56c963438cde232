"""How the firmware of a microcontroller is compiled: the cores, and the ports of firmware/ports.def. edgeq_runtime.build makes it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edgeq_runtime.toolchain import PACKAGE, BuildError, Config, rows

FOLDER = PACKAGE.parent / "firmware"
CC = "arm-none-eabi-gcc"
OBJCOPY = "arm-none-eabi-objcopy"
SIZE = "arm-none-eabi-size"
_PORT = re.compile(r"^EQ_PORT\((\w+), (\w+), (\w+)\)$", re.M)


@dataclass(frozen=True)
class Core:
    """A Cortex-M: the compiler's flags, and the rows of isa.def beside `portable` that its kernels are of."""

    flags: tuple[str, ...]
    isas: tuple[str, ...] = ()


CORES = {
    "m0plus": Core(("-mcpu=cortex-m0plus",)),
    "m3": Core(("-mcpu=cortex-m3",)),
    "m4": Core(("-mcpu=cortex-m4", "-mfloat-abi=soft"), ("cortexm_dsp",)),
    "m7": Core(("-mcpu=cortex-m7", "-mfloat-abi=soft"), ("cortexm_dsp",)),
    "m33": Core(("-mcpu=cortex-m33+nofp",), ("cortexm_dsp",)),
    "m55": Core(("-mcpu=cortex-m55", "-mfloat-abi=hard"), ("cortexm_dsp", "cortexm_mve")),
}


@dataclass(frozen=True)
class Port:
    """name: its folder in firmware/ports. family: the folder in firmware/ that it shares with others."""

    name: str
    core: str
    family: str


@cache
def ports() -> dict[str, Port]:
    """Of the list, by name."""
    found = _PORT.findall((FOLDER / "ports.def").read_text(encoding="utf-8"))
    return {name: Port(name, core, family) for name, core, family in found}


def port_of(name: str) -> Port:
    if name not in ports():
        raise BuildError(f"no firmware {name!r}: firmware/ports.def has {', '.join(ports())}")
    return ports()[name]


def enabled(port: Port) -> dict[str, bool]:
    """Which rows of isa.def and sha256.def the port is built with: decided here, a chip is not asked."""
    return {name: isa.arch == "any" or name in CORES[port.core].isas for name, isa in rows().items()}


def sources(port: Port) -> list[Path]:
    """Of the port, what its family shares, and what every Cortex-M does."""
    folders = (FOLDER / "ports" / port.name, FOLDER / port.family, FOLDER / "cortexm")
    return [path for folder in folders for path in sorted(folder.glob("*.c"))]


def config(port: Port) -> Config:
    """BuildError where the compiler is missing."""
    if shutil.which(CC) is None:
        raise BuildError(f"{CC} is not installed: on Debian or Ubuntu: sudo apt-get install gcc-arm-none-eabi")
    place = FOLDER / "ports" / port.name
    includes = [f"-I{place}", f"-I{FOLDER / 'cortexm'}", f"-I{FOLDER / port.family}"]
    flags = ("-mthumb", *CORES[port.core].flags, "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-math-errno", *includes)
    scripts = (FOLDER / "cortexm" / "cortexm.ld", place / "memory.ld")
    made = Config(CC, f"firmware/{port.name}", flags, tuple(sources(port)), libraries=("-lm",), chip=True)
    link = ("-nostartfiles", "--specs=nano.specs", f"-L{place}", f"-T{scripts[0]}", "-Wl,--gc-sections", "-Wl,--fatal-warnings")
    return replace(made, link=(*link, f"-Wl,-Map={made.folder / 'edgeq.map'}"), scripts=scripts)
