"""Compile csrc: `python -m edgeq_runtime.build [lib] [agent] [bench] [selftest] [runner] [fuzz] [--cc CC] [--sanitize] [--arch ARCH]`.

lib: libedgeq.so; agent: edgeq-agent; bench: libedgeq-bench.so, what `edgeq bench` measures with; posix: the firmware port that plays
a microcontroller; selftest: every kernel against the portable one; runner: a model file on raw bytes, for emulators; fuzz: each
csrc/fuzz/*.c with libFuzzer (clang). --arch compiles with `zig cc` (the package ziglang, extra `arm`) for another machine: programs
are static, the library needs glibc 2.17.

A file `kernels/<what>__<isa>.c` is compiled with the flags of its row in isa.def, and only where that row fits the compiler's
target. Objects stay in build/<tag>/ and are made again when the command line or a file they include has changed. Without
--cc, --sanitize and --arch the libraries and the agent go to edgeq_runtime/lib/, where the package looks for them; else to build/<tag>/.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edgeq_runtime import lists

PACKAGE = Path(__file__).resolve().parent
CSRC = lists.CSRC.resolve()
BUILD = PACKAGE.parent / "build"
LIB = PACKAGE / "lib"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SMALL = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables")  # a tenth of the library; nothing unwinds through it
BASE = ("-std=c11", "-ffp-contract=off", "-fPIC", "-D_DEFAULT_SOURCE", *SMALL, *WARNINGS)
SANITIZE = ("-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FUZZ = ("-g", "-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
HOT = {  # operators and their helpers that are compiled for speed, as all kernels are; the others for size
    *("add_s8", "avg_pool2d_s8", "band", "clip_s8", "depthwise_conv2d_s8", "depthwise_lines", "fully_connected_s8", "gemm_band", "gemm_s8"),
    *("pool", "softmax_s8", "window"),
}
PUBLIC = ("eq.h", "eq_hash.h", "posix/eq_threads.h", *(f"agent/eq_{name}.h" for name in ("frame", "link", "message", "pool", "store")))
PARALLEL = 2
OUTPUTS = {
    "lib": "libedgeq.so",
    "agent": "edgeq-agent",
    "bench": "libedgeq-bench.so",
    "posix": "edgeq-posix",
    "selftest": "selftest",
    "runner": "runner",
}
TARGETS = (*OUTPUTS, "fuzz")
SHIPS = ("lib", "agent", "bench")  # with the package, and built where no target is named
SHARED = ("lib", "bench")
CROSS = {"aarch64": {"lib": "aarch64-linux-gnu.2.17", "": "aarch64-linux-musl"}}  # by --arch: zig's names, of the library and of programs


class BuildError(Exception):
    """A compiler is missing or refused a file; the text is its own."""


@dataclass(frozen=True)
class Config:
    """One way to compile: `tag` names its folder of objects, "" the one that ships. `flags` go to every file and to the linker."""

    cc: str
    tag: str = ""
    flags: tuple[str, ...] = ()
    sources: tuple[Path, ...] = field(default=())  # compiled and linked beside those of the target

    @property
    def folder(self) -> Path:
        return BUILD / (self.tag or "default")


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


def enabled(cc: str) -> dict[str, bool]:
    """Which rows of isa.def the compiler's target has."""
    words = cc.split()
    triple = words[words.index("-target") + 1] if "-target" in words else _output([*words, "-dumpmachine"])
    machine = triple.split("-")[0]
    return {name: isa.arch in ("any", machine) for name, isa in lists.isas().items()}


def target_sources(target: str, on: dict[str, bool]) -> list[Path]:
    """The files of csrc that make up a target: a key of OUTPUTS, or the stem of a file in csrc/fuzz.

    A kernel file of an unknown instruction set is an error.
    """
    kernels = []
    for path in sorted(CSRC.glob("kernels/*.c")):
        isa = path.stem.rpartition("__")[2]
        if isa not in on:
            raise BuildError(f"{path}: no row {isa!r} in isa.def")
        if on[isa]:
            kernels.append(path)
    threads = sorted(CSRC.glob("posix/*.c"))
    selftest = sorted(CSRC.glob("selftest/*.c"))
    programs = {"selftest": selftest, "runner": [CSRC / "runner.c", *threads]}
    core = [p for p in sorted(CSRC.glob("*.c")) if p.name != "runner.c"]
    common = [*core, *sorted(CSRC.glob("ops/*.c")), *kernels]
    agent = sorted(CSRC.glob("agent/*.c"))
    shared = [p for p in agent if p.name != "main.c"]
    portable = [p for p in shared if not p.stem.endswith("_linux")]
    rows = CSRC / "bench" / "rows.c"
    posix = [*portable, rows, PACKAGE.parent / "firmware" / "ports" / "posix" / "port.c"]
    checks = [p for p in selftest if p.name != "main.c"]  # of the kernels, on the device itself
    library = [*(p for p in portable if not p.stem.startswith(("agent", "stream"))), *threads]  # link and store without the agent
    own = {"lib": library, "agent": [*agent, rows, *threads, *checks], "bench": sorted(CSRC.glob("bench/*.c")), "posix": posix}
    own.update(programs)
    return [*common, *(own[target] if target in own else [*library, CSRC / "fuzz" / f"{target}.c"])]


def _isa_flags(config: Config, isa: str) -> list[str]:
    """The flags of a row; zig has its own names for Arm architectures: armv8.2-a+dotprod is generic+v8_2a+dotprod."""
    flags = lists.isas()[isa].flags
    if "ziglang" not in config.cc:
        return list(flags)
    return [re.sub(r"^-march=armv(\d)\.(\d)-a", r"-mcpu=generic+v\1_\2a", flag) for flag in flags]


def compile_command(config: Config, on: dict[str, bool], source: Path, target: Path) -> list[str]:
    isa = source.stem.rpartition("__")[2] if source.parent.name == "kernels" else "portable"
    hot = source.parent.name == "kernels" or (source.parent.name == "ops" and source.stem in HOT)
    flags = [*BASE, "-O3" if hot else "-O2", *config.flags, *_isa_flags(config, isa)]
    defines = [f"-DEQ_ON_{name}={int(value)}" for name, value in on.items()]
    return [*config.cc.split(), *flags, *defines, f"-I{CSRC}", "-MMD", "-c", str(source), "-o", str(target)]


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


def _version_script(config: Config) -> Path:
    path = config.folder / "libedgeq.map"
    text = "{ global: " + " ".join(f"{name};" for name in exported()) + " local: *; };\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def link(config: Config, target: str, objects: Sequence[Path], output: Path) -> Path:
    """Link beside the output and rename: a process that has the old library open keeps it."""
    shared = ["-shared", "-Wl,-Bsymbolic"] if target in SHARED else []
    if target in SHARED and not any("-fsanitize" in flag for flag in config.flags):
        shared.append("-Wl,-z,defs")
    inputs = list(objects)
    if target == "lib":
        inputs.append(_version_script(config))
        shared.append(f"-Wl,--version-script={inputs[-1]}")
    command = [*config.cc.split(), "-O2", *config.flags, *shared, *map(str, objects), "-lm", "-pthread", "-o"]
    if not _fresh(output, [*command, str(output)], inputs):
        fresh = output.with_name(f".{output.name}.new")
        _make(fresh, [*command, str(fresh)])
        fresh.with_suffix(fresh.suffix + ".cmd").unlink()
        os.replace(fresh, output)
        output.with_suffix(output.suffix + ".cmd").write_text("\n".join([*command, str(output)]), encoding="utf-8")
    return output


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One build at a time in a folder of objects."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(target: str, config: Config, folder: Path | None = None) -> Path:
    """Bring one target up to date and return its path; `folder` (default: by the tag) is where it goes."""
    on = enabled(config.cc)
    ships = not config.tag and target in SHIPS
    output = (folder or (LIB if ships else config.folder)) / OUTPUTS.get(target, target)
    output.parent.mkdir(parents=True, exist_ok=True)
    sources = [*target_sources(target, on), *config.sources]
    with _locked(config.folder), ThreadPoolExecutor(PARALLEL) as pool:
        objects = list(pool.map(lambda source: compile_one(config, on, source), sources))
        return link(config, target, objects, output)


def cross(target: str, arch: str) -> Config:
    """With zig cc, for another machine."""
    names = CROSS[arch]
    machine = names.get(target, names[""])
    return Config(f"{sys.executable} -m ziglang cc -target {machine}", machine, ("-g0", *(["-s"] if target == "lib" else [])))


def config_for(target: str, cc: str | None, sanitize: bool, arch: str | None = None) -> Config:
    if arch:
        return cross(target, arch)
    if target not in OUTPUTS:
        return Config(cc or "clang", "fuzz", FUZZ)
    flags = SANITIZE if sanitize else ()
    name = Path((cc or "").split()[0]).name if cc else ""
    tag = "-".join(filter(None, (name, "sanitize" if sanitize else "")))
    return Config(cc or default_cc(), tag, flags)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m edgeq_runtime.build", description="Compile the C runtime.")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}; default: {' '.join(SHIPS)}")
    parser.add_argument("--cc", help="the compiler (default: $CC, cc, gcc or clang)")
    parser.add_argument("--arch", choices=sorted(CROSS), help="another machine, with zig cc")
    parser.add_argument("--sanitize", action="store_true", help="with AddressSanitizer and UndefinedBehaviorSanitizer")
    args = parser.parse_args()
    for name in args.targets:
        if name not in TARGETS:
            parser.error(f"unknown target {name!r}: have {', '.join(TARGETS)}")
    fuzzers = [path.stem for path in sorted(CSRC.glob("fuzz/*.c"))]
    try:
        for target in (t for name in args.targets or SHIPS for t in (fuzzers if name == "fuzz" else [name])):
            print(build(target, config_for(target, args.cc, args.sanitize, args.arch)))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
