"""Compile csrc: `python -m edgeq_runtime.build [TARGET ...] [--cc CC] [--sanitize] [--arch ARCH]`.

lib: libedgeq.so; agent: edgeq-agent; bench: libedgeq-bench.so, what `edgeq bench` measures with; posix: the firmware port that plays
a microcontroller; selftest: every kernel against the portable one; runner: a model file on raw bytes, for emulators; fuzz: each
csrc/fuzz/*.c with libFuzzer (clang). --arch compiles with `zig cc` (the package ziglang, extra `cross`) for another machine: programs
are static, libraries need glibc 2.17. devices: agent and lib for every --arch into build/devices, where edgeq_host.agents finds them.
firmware [PORT ...]: the images of microcontrollers, or of those named, with arm-none-eabi-gcc into build/firmware/PORT; with --only
operators, kernels and parts of the agent by name, and no others, into build/firmware/PORT-only; with --trust a public key that is built in,
into build/firmware/PORT-trust.

A file `kernels/<what>__<isa>.c` is compiled with the flags of its row in isa.def, `hash/sha256__<isa>.c` with those of sha256.def,
and only where that row fits the compiler's target. Objects stay in build/<tag>/ and are made again when the command line or a file
they include has changed. Without --cc, --sanitize and --arch the libraries and the agent go to edgeq_runtime/lib/, where the package
looks for them; else to build/<tag>/.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from edgeq_runtime import firmware, rp2040, stack
from edgeq_runtime.toolchain import (
    BASE,
    BUILD,
    CROSS,
    CSRC,
    PACKAGE,
    SHARED,
    SHIPS,
    BuildError,
    Config,
    compile_command,
    config_for,
    cross,
    default_cc,
    enabled,
)

__all__ = [
    "BASE",
    "BUILD",
    "CROSS",
    "CSRC",
    "SHIPS",
    "BuildError",
    "Config",
    "compile_command",
    "config_for",
    "cross",
    "default_cc",
    "enabled",
]
LIB = PACKAGE / "lib"
DEVICES = BUILD / "devices"
PUBLIC = ("eq.h", "eq_hash.h", "posix/eq_threads.h", *(f"agent/eq_{name}.h" for name in ("frame", "link", "message", "pool", "store")))
LIBRARY = {"cobs", "files", "frame", "link", "message", "pool", "store"}  # first words of what the library has of csrc/agent
ON_FILES = {"store", "store_change", "store_log", "store_record", "store_versions", "files_posix"}  # whose place store_flash*.c take
SIGNING = {"ed25519", "keys", "monocypher", "sha512", "trust"}  # and what only the agent has, to verify files
PARALLEL = 2
OUTPUTS = {
    "lib": "libedgeq.so",
    "agent": "edgeq-agent",
    "bench": "libedgeq-bench.so",
    "posix": "edgeq-posix",
    "selftest": "selftest",
    "runner": "runner",
    "chip": "edgeq.elf",
}
TARGETS = (*(name for name in OUTPUTS if name != "chip"), "fuzz", "devices")


def target_sources(target: str, on: dict[str, bool]) -> list[Path]:
    """The files of csrc that make up a target: a key of OUTPUTS, or the stem of a file in csrc/fuzz. on: instruction sets by name, and
    single kernels by the stems of their files, where one is not to be there.

    A kernel file of an unknown instruction set is an error.
    """
    kernels = []
    for path in (*sorted(CSRC.glob("kernels/*.c")), *sorted(CSRC.glob("hash/*.c"))):
        isa = path.stem.rpartition("__")[2]
        if isa not in on:
            raise BuildError(f"{path}: no row {isa!r} in {'sha256' if path.parent.name == 'hash' else 'isa'}.def")
        if on[isa] and on.get(path.stem, True):
            kernels.append(path)
    threads = sorted(CSRC.glob("posix/*.c"))
    selftest = sorted(CSRC.glob("selftest/*.c"))
    programs = {"selftest": selftest, "runner": [CSRC / "runner.c", *threads]}
    core = [p for p in sorted(CSRC.glob("*.c")) if p.name != "runner.c"]
    common = [*core, *sorted(CSRC.glob("ops/*.c")), *kernels]
    every = [*sorted(CSRC.glob("agent/*.c")), *sorted(CSRC.glob("third_party/*/*.c"))]
    agent = [p for p in every if not p.stem.startswith("store_flash")]
    flash = [p for p in every if p.stem not in ON_FILES and not p.stem.endswith("_linux") and p.name != "main.c"]  # the same, for a chip
    shared = [p for p in agent if p.name != "main.c"]
    portable = [p for p in shared if not p.stem.endswith("_linux")]
    rows = CSRC / "bench" / "rows.c"
    posix = [*flash, rows, *sorted((PACKAGE.parent / "firmware" / "ports" / "posix").glob("*.c"))]
    parts = {"signing": SIGNING - {"trust"} | {"agent_keys"}, "bench": {"agent_bench", "rows"}}  # that a firmware may be built without
    out = {stem for part, stems in parts.items() if not on.get(part, True) for stem in stems}
    chip = [p for p in (*flash, rows) if not p.stem.endswith("_posix") and p.stem not in out]
    checks = [p for p in selftest if p.name != "main.c"]  # of the kernels, on the device itself
    library = [*(p for p in portable if p.stem.split("_")[0] in LIBRARY), *threads]  # link and store without the agent
    signing = [p for p in portable if p.stem in SIGNING]
    own = {"lib": library, "agent": [*agent, rows, *threads, *checks], "bench": sorted(CSRC.glob("bench/*.c")), "posix": posix}
    own.update(programs, chip=chip, core=[])
    return [*common, *(own[target] if target in own else [*library, *signing, CSRC / "fuzz" / f"{target}.c"])]


def _inputs(depfile: Path) -> list[Path]:
    text = depfile.read_text(encoding="utf-8").replace("\\\n", " ").partition(":")[2]
    return [Path(part) for part in text.split()]


def _fresh(target: Path, command: Sequence[str], inputs: Sequence[Path]) -> bool:
    note = target.with_suffix(target.suffix + ".cmd")
    if not target.exists() or not note.exists() or note.read_text(encoding="utf-8") != "\n".join(command):
        return False
    made = target.stat().st_mtime_ns
    return all(path.exists() and path.stat().st_mtime_ns < made for path in inputs)


def _make(target: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.stderr:
        sys.stderr.write(done.stderr)
    target.with_suffix(target.suffix + ".cmd").write_text("\n".join(command), encoding="utf-8")


def compile_one(config: Config, on: dict[str, bool], source: Path) -> Path:
    """The object of one source; compiled only when needed."""
    config = config.of(source)
    name = "_".join(source.resolve().parts[-2:]) if not source.is_relative_to(CSRC) else "_".join(source.relative_to(CSRC).parts)
    target = config.folder / f"{name}.o"
    depfile = target.with_suffix(".d")
    command = compile_command(config, on, source, target)
    if not depfile.exists() or not _fresh(target, command, _inputs(depfile)):
        _make(target, command)
    return target


def exported() -> list[str]:
    """What libedgeq.so shows: the functions that its public headers declare. The other names would take a twentieth of it."""
    declared = re.compile(r"^(?!static|#|\s)[\w *]*?\b(eq_\w+)\(", re.M)
    return sorted({name for header in PUBLIC for name in declared.findall((CSRC / header).read_text(encoding="utf-8"))})


def _write(path: Path, content: str | bytes) -> Path:
    """Beside it and renamed, and only where the content is another: what is fresh stays so."""
    data = content if isinstance(content, bytes) else content.encode()
    if not path.exists() or path.read_bytes() != data:
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(data)
        os.replace(fresh, path)
    return path


def _version_script(config: Config) -> Path:
    return _write(config.folder / "libedgeq.map", "{ global: " + " ".join(f"{name};" for name in exported()) + " local: *; };\n")


def link(config: Config, target: str, objects: Sequence[Path], output: Path) -> Path:
    """Link beside the output and rename: a process that has the old library open keeps it."""
    shared = ["-shared", "-Wl,-Bsymbolic"] if target in SHARED else []
    if not any("-fsanitize" in flag for flag in config.flags):
        shared.append("-Wl,-z,defs" if target in SHARED else "-Wl,--gc-sections")
    inputs = [*objects, *config.scripts]
    if target == "lib":
        inputs.append(_version_script(config))
        shared.append(f"-Wl,--version-script={inputs[-1]}")
    command = [*config.cc.split(), "-O2", *config.flags, *config.link, *shared, *map(str, objects), *config.libraries, "-o"]
    if not _fresh(output, [*command, str(output)], inputs):
        fresh = output.with_name(f".{output.name}.new")
        _make(fresh, [*command, str(fresh)])
        fresh.with_suffix(fresh.suffix + ".cmd").unlink()
        os.replace(fresh, output)
        output.with_suffix(output.suffix + ".cmd").write_text("\n".join([*command, str(output)]), encoding="utf-8")
    return output


@contextmanager
def _locked(*folders: Path) -> Iterator[None]:
    """One build at a time in each folder of objects."""
    with ExitStack() as locks:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            lock = locks.enter_context(open(folder / ".lock", "w", encoding="utf-8"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(target: str, config: Config, folder: Path | None = None, on: dict[str, bool] | None = None) -> Path:
    """Bring one target up to date and return its path; `folder` (default: by the tag) is where it goes. on: the instruction sets, where
    the compiler does not say."""
    on = enabled(config.cc) if on is None else on
    ships = not config.tag and target in SHIPS
    output = (folder or (LIB if ships else config.folder)) / OUTPUTS.get(target, target)
    output.parent.mkdir(parents=True, exist_ok=True)
    sources = [*(p for p in target_sources(target, on) if not (config.chip and p.stem.endswith("_posix"))), *config.sources]
    folders = (config.folder, config.core.folder) if config.core else (config.folder,)
    with _locked(*folders), ThreadPoolExecutor(PARALLEL) as pool:
        objects = list(pool.map(lambda source: compile_one(config, on, source), sources))
        return link(config, target, objects, output)


def _beside(elf: Path, family: str) -> None:
    """edgeq.bin and, for a chip whose USB drive takes that, edgeq.uf2."""
    command = [firmware.OBJCOPY, "-O", "binary", str(elf)]
    binary = elf.with_suffix(".bin")
    if family == "rp2040":
        rp2040.seal(elf, firmware.OBJCOPY)
    if not _fresh(binary, [*command, str(binary)], [elf]):
        _make(binary, [*command, str(binary)])
    if family == "rp2040":
        _write(elf.with_suffix(".uf2"), rp2040.uf2(binary.read_bytes()))


def image(name: str, only: Sequence[str] | None = None, trust: Path | None = None) -> Path:
    """The firmware of a port: edgeq.elf, which is returned, with edgeq.bin, edgeq.map and edgeq.size.json, what it takes of the chip.
    only: names of operators and kernels, such as conv2d_s8 and gemm_s8_s16_s8; None: all that the chip has a use for. trust: a
    public key whose files alone the firmware takes from its first start on."""
    port = firmware.port_of(name)
    config = firmware.config(port, ("-only" if only is not None else "") + ("-trust" if trust is not None else ""))
    without = firmware.left_out(port, [*only, "signing"] if trust is not None and only is not None else only)
    key = firmware.trusted(trust) if trust is not None else ""
    config.folder.mkdir(parents=True, exist_ok=True)
    header = _write(config.folder / "left_out.h", "".join(f"#define EQ_WITHOUT_{row} 1\n" for row in sorted(without)) + key)
    config = replace(config, flags=(*config.flags, f"-DEQ_MAX_INPUTS={firmware.most_inputs(only)}", "-include", str(header)))
    elf = build("chip", config, on={**firmware.enabled(port), **dict.fromkeys(without, False)})
    _beside(elf, port.family)
    sizes = json.dumps(stack.footprint(elf, firmware.CORES[port.core].fpu), indent=1)
    _write(config.folder / "edgeq.size.json", sizes + "\n")
    return elf


def devices(folder: Path = DEVICES) -> Path:
    """Agent and library for every machine of CROSS, and last SHA256SUMS, the list that edgeq_host.agents reads; returns its path."""
    made = [build(target, cross(target, arch), folder / arch) for arch in CROSS for target in ("agent", "lib")]
    text = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in made)
    return _write(folder / "SHA256SUMS", text)


def _images(names: Sequence[str], only: str | None, trust: Path | None) -> Iterator[Path]:
    wanted = None if only is None else [name for name in only.split(",") if name]
    for name in names or firmware.ports():
        yield (elf := image(name, wanted, trust))
        took = json.loads(elf.with_name("edgeq.size.json").read_text(encoding="utf-8"))
        flash, ram, depth = (f"{took[kind + '_bytes']:,}" for kind in ("flash", "ram", "stack"))
        print(f"{name}: flash {flash}, RAM {ram} and stack {depth} bytes at most", file=sys.stderr)


def _targets(args: argparse.Namespace) -> Iterator[Path]:
    fuzzers = [path.stem for path in sorted(CSRC.glob("fuzz/*.c"))]
    for target in (t for name in args.targets or SHIPS for t in (fuzzers if name == "fuzz" else [name])):
        yield devices() if target == "devices" else build(target, config_for(target, args.cc, args.sanitize, args.arch))


_HAVE = f"{', '.join(TARGETS)}, or by itself firmware [PORT ...]"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m edgeq_runtime.build", description="Compile the C runtime.")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {_HAVE}; default: {' '.join(SHIPS)}")
    parser.add_argument("--cc", help="the compiler (default: $CC, cc, gcc or clang)")
    parser.add_argument("--arch", choices=sorted(CROSS), help="another machine, with zig cc")
    parser.add_argument("--sanitize", action="store_true", help="with AddressSanitizer and UndefinedBehaviorSanitizer")
    parser.add_argument("--only", metavar="NAME,...", help="of firmware: these operators, kernels and parts (bench, signing), no others")
    parser.add_argument("--trust", metavar="KEY.pub", type=Path, help="of firmware: take no files but those that this key has signed")
    args = parser.parse_args()
    chips = args.targets[:1] == ["firmware"]
    if (args.only is not None or args.trust) and not chips:
        parser.error(f"--{'only' if args.only is not None else 'trust'} is an option of firmware")
    for name in () if chips else args.targets:
        if name not in TARGETS:
            parser.error(f"unknown target {name!r}: have {_HAVE}")
    try:
        for path in _images(args.targets[1:], args.only, args.trust) if chips else _targets(args):
            print(path)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
