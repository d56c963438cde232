"""How the firmware of a microcontroller is compiled: the cores, and the ports of firmware/ports.def. edgeq_runtime.build makes it."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edgeq_runtime import lists
from edgeq_runtime.toolchain import PACKAGE, BuildError, Config, rows

FOLDER = PACKAGE.parent / "firmware"
CC = "arm-none-eabi-gcc"
OBJCOPY = "arm-none-eabi-objcopy"
SIZE = "arm-none-eabi-size"
PARTS = ("bench", "signing", "float_edges")  # of agent and runtime, that may be left out
LITTLE_INPUTS = 8  # of an operator: each takes 56 bytes of stack
LITTLE_RAM = ("-DEQ_STORE_VERSIONS=4", "-DEQ_LINK_SEGMENTS=8", "-DEQ_LINK_RANGES=8", "-DEQ_LINK_SENDS=512u")
LOW = ("_s4", "_s4x2", "_s2", "_b1")  # ends of the types of kernels whose weights have less than a byte
_PORT = re.compile(r"^EQ_PORT\((\w+), (\w+), (\w+)\)$", re.M)


@dataclass(frozen=True)
class Core:
    """A Cortex-M: the compiler's flags, the rows of isa.def beside `portable` that its kernels are of, and whether the compiler uses its
    unit for floating point."""

    flags: tuple[str, ...]
    isas: tuple[str, ...] = ()
    fpu: bool = False


CORES = {
    "m0plus": Core(("-mcpu=cortex-m0plus", "-masm-syntax-unified")),
    "m3": Core(("-mcpu=cortex-m3",)),
    "m4": Core(("-mcpu=cortex-m4", "-mfloat-abi=soft"), ("cortexm_dsp",)),
    "m7": Core(("-mcpu=cortex-m7", "-mfloat-abi=soft"), ("cortexm_dsp",)),
    "m33": Core(("-mcpu=cortex-m33+nofp",), ("cortexm_dsp",)),
    "m55": Core(("-mcpu=cortex-m55", "-mfloat-abi=hard"), ("cortexm_dsp", "cortexm_mve"), fpu=True),
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


def _reads_bytes(kernel: lists.Kernel) -> bool:
    """Whether it wants rows of bytes, which operators only make for a kernel of an instruction set: the portable ones are references."""
    return (kernel.family, kernel.types[:5]) in {("gemm", "s8_u8"), ("gemm", "s8_s8"), ("dwconv", "s8_u8")}


def _is_float(name: str) -> bool:
    return "f32" in name or name.partition("_")[0] in ("quantize", "dequantize")


def left_out(port: Port, only: Sequence[str] | None = None) -> set[str]:
    """Operators and kernels (the stems of their files) that the port is built without: kernels of others and those that operators do not
    take, floating point where the core has none, and with `only` what it does not name. BuildError: it names what there is not."""
    on, fpu = enabled(port), CORES[port.core].fpu
    kernels = {kernel.stem: f"{kernel.family}_{kernel.types}" for kernel in lists.kernels()}
    known = {*lists.ops(), *kernels.values(), *PARTS}
    if only is not None and set(only) - known:
        raise BuildError(f"no operator, kernel or part {', '.join(sorted(set(only) - known))}: there are {', '.join(sorted(known))}")
    found = {kernel.stem for kernel in lists.kernels() if not on[kernel.isa] or (kernel.isa == "portable" and _reads_bytes(kernel))} | {
        "crc_tables",
        "files",
    }
    if all(kernel.stem in found for kernel in lists.kernels() if _reads_bytes(kernel)):
        found.add("byte_rows")
    if not fpu:
        found |= {name for name in (*lists.ops(), *kernels) if _is_float(name)}
    if only is not None:
        found |= {name for name in (*lists.ops(), *PARTS) if name not in only} | {
            stem for stem, name in kernels.items() if name not in only
        }
        better = {(kernel.family, kernel.types) for kernel in lists.kernels() if kernel.isa in CORES[port.core].isas}
        found |= {kernel.stem for kernel in lists.kernels() if kernel.isa == "portable" and (kernel.family, kernel.types) in better}
        if all(kernel.stem in found for kernel in lists.kernels() if kernel.types.endswith(LOW)):
            found.add("low_weights")
    return found


_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([\sA-Za-z0-9+/=]+)-----END PUBLIC KEY-----")
_ED25519 = bytes.fromhex("302a300506032b6570032100")  # what its 32 bytes have before them in DER (RFC 8410)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}")


def trusted(path: Path) -> str:
    """Lines of C that build the public key of a PEM file into an image, by the name of the file. BuildError: it is none."""
    try:
        found = _PEM.search(path.read_text(encoding="ascii"))
        der = base64.b64decode(found.group(1)) if found else b""
    except (OSError, ValueError) as error:
        raise BuildError(f"{path} is no public key: {error}") from error
    if len(der) != 44 or not der.startswith(_ED25519):
        raise BuildError(f"{path} is no public key of Ed25519 in PEM: give the .pub file that `edgeq key new` wrote")
    if not _NAME.fullmatch(path.stem):
        raise BuildError(f"{path}: the name of a key has 1 to 31 letters, digits, '.', '_' or '-': rename the file")
    listed = ", ".join(str(byte) for byte in der[12:])
    return f'#define EQ_TRUSTED_KEY {listed}\n#define EQ_TRUSTED_NAME "{path.stem}"\n'


def most_inputs(only: Sequence[str] | None) -> int:
    """Of an operator of the image."""
    named = [lists.ops()[name].inputs_max for name in only or () if name in lists.ops()]
    return min(LITTLE_INPUTS, max(named, default=LITTLE_INPUTS))


def sources(port: Port) -> list[Path]:
    """Of the port, what its family shares, and what every Cortex-M does."""
    folders = (FOLDER / "ports" / port.name, FOLDER / port.family, FOLDER / "cortexm")
    return [path for folder in folders for path in sorted(folder.glob("*.c"))]


def config(port: Port, variant: str = "") -> Config:
    """variant: added to the name of the folder. BuildError where the compiler is missing."""
    if shutil.which(CC) is None:
        raise BuildError(f"{CC} is not installed: on Debian or Ubuntu: sudo apt-get install gcc-arm-none-eabi")
    place = FOLDER / "ports" / port.name
    includes = [f"-I{place}", f"-I{FOLDER / 'cortexm'}", f"-I{FOLDER / port.family}"]
    common = ("-mthumb", "-flto", "-fno-fat-lto-objects", "-ffunction-sections", "-fdata-sections", "-fno-math-errno")
    flags = (*common, *CORES[port.core].flags, *LITTLE_RAM, *includes)
    scripts = (FOLDER / "cortexm" / "cortexm.ld", place / "memory.ld")
    made = Config(CC, f"firmware/{port.name}{variant}", flags, tuple(sources(port)), libraries=("-lm",), chip=True)
    whole = ("-flto=1", "-flto-partition=one", "-fcallgraph-info=su", "-dumpdir", f"{made.folder}/edgeq.")
    script = ("-nostartfiles", "--specs=nano.specs", f"-L{place}", f"-T{scripts[0]}", "-Wl,--gc-sections", "-Wl,--fatal-warnings")
    return replace(made, link=(*whole, *script, f"-Wl,-Map={made.folder / 'edgeq.map'}"), scripts=scripts)
