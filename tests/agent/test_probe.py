"""What the agent finds out of a machine: real trees, hostile trees, nothing written, and the host's reading of it."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import boards
from edgeq_host.board_draft import draft
from edgeq_host.board_template import render, write
from edgeq_host.errors import LinkError
from edgeq_host.identify import identify, mismatches
from edgeq_host.probe import MAX_FACTS, Probe, parse, probe
from edgeq_runtime import build, toolchain
from tests.agent import machines
from tests.agent.conftest import Local

PROGRAM = Path(__file__).parent / "probe_tree.c"
ISAS = {"raspberrypi_4b": ("portable",), "nvidia_jetson_nano": ("portable", "neon")}
Rows = list[tuple[str, bytes]]
Tree = Callable[..., Rows]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe of a folder, with AddressSanitizer and UndefinedBehaviorSanitizer."""
    output = tmp_path_factory.mktemp("probe") / "probe_tree"
    sources = [*sorted((build.CSRC / "agent").glob("probe_*linux.c")), PROGRAM]
    subprocess.run(
        [
            toolchain.default_cc(),
            "-std=c11",
            "-D_DEFAULT_SOURCE",
            *toolchain.WARNINGS,
            *toolchain.SANITIZE,
            f"-I{build.CSRC}",
            *sources,
            "-o",
            output,
        ],
        check=True,
    )
    return output


@pytest.fixture
def tree(program: Path, tmp_path: Path) -> Tree:
    root = tmp_path / "root"
    root.mkdir()

    def run(facts: int = 0) -> Rows:
        words = [program, root.resolve(), "/home/pi/store", *([str(facts)] if facts else [])]
        done = subprocess.run(words, capture_output=True, timeout=30, env={**os.environ, "HOME": "/home/pi"})
        assert done.returncode == bool(facts), done.stderr.decode()
        lines = [line.split(b"\t", 1) for line in done.stdout.split(b"\n") if line]
        return [(key.decode(), value) for key, value in lines]

    return run


def read(rows: Rows, isas: tuple[str, ...] = (), machine: str = "aarch64") -> Probe:
    """As a device of that machine would say it: the processor of this one is not in the tree."""
    return parse([row for row in rows if row[0] not in ("kernel.machine",)] + [("kernel.machine", machine.encode())], isas)


@pytest.mark.parametrize("name", machines.MACHINES)
def test_a_machine_is_known_by_its_device_tree_and_differs_in_nothing_but_what_is_said(name: str, tree: Tree, tmp_path: Path) -> None:
    machines.MACHINES[name](tmp_path / "root")
    found = read(tree(), ISAS.get(name, ("portable", "neon", "neon_dotprod")))
    board = identify(found)
    assert board is not None and board.id == name
    expected = {
        "raspberrypi_4b": [
            "the user land has 32 bits on a 64-bit kernel: its Python is one for armv7",
            "the chip bcm2711 lists neon, which the agent does not use",
        ]
    }
    assert mismatches(found, board) == expected.get(name, [])


def test_a_raspberry_pi_4_with_a_32_bit_system_is_read_in_full(tree: Tree, tmp_path: Path) -> None:
    machines.pi4(tmp_path / "root")
    found = read(tree())
    assert (found.model, found.compatible) == ("Raspberry Pi 4 Model B Rev 1.4", ("raspberrypi,4-model-b", "brcm,bcm2711"))
    assert [(c.count, c.name, c.min_hz, c.max_hz, c.now_hz, c.governor) for c in found.cores] == [
        (4, "Cortex-A72", 600_000_000, 1_800_000_000, 1_800_000_000, "ondemand")
    ]
    assert found.features == tuple(machines.A72.split())
    assert (found.bits, found.libc, found.libc_version, found.python, found.python_bits) == (32, "glibc", "2.31", "3.9", 32)
    assert (found.memory_bytes, found.memory_free) == (3_884_000 * 1024, 200_000 * 1024)
    assert found.throttled == ("under-voltage", "throttled", "under-voltage since boot", "throttled since boot")
    assert found.vcgencmd == "/usr/bin/vcgencmd" and found.sensors == () and found.os == "Raspbian GNU/Linux 11 (bullseye)"
    assert [(a.hwmon, a.file, a.on) for a in found.alarms] == [("rpi_volt", "in0_lcrit_alarm", False)]
    assert [(z.type, z.celsius) for z in found.zones] == [("cpu-thermal", 40.5)]


def test_a_raspberry_pi_5_has_another_path_and_an_alarm(tree: Tree, tmp_path: Path) -> None:
    machines.pi5(tmp_path / "root")
    found = read(tree())
    assert found.throttled == () and found.alarms[0].on and found.cores[0].name == "Cortex-A76"
    assert (found.libc_version, found.python, found.bits) == ("2.36", "3.11", 64)


def test_a_jetson_nano_of_jetpack_4_shows_its_rails_from_0(tree: Tree, tmp_path: Path) -> None:
    machines.jetson_nano(tmp_path / "root")
    found = read(tree())
    assert [(s.kind, s.device, s.rails) for s in found.sensors] == [("ina3221", "iio:device0", ("POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"))]
    assert (found.jetpack, found.l4t, found.libc_version) == ("JetPack 4", "R32 (release), REVISION: 7.1", "2.27")
    assert (found.power_mode, [(m.id, m.name) for m in found.power_modes]) == (0, [(0, "MAXN"), (1, "5W")])


def test_a_jetson_orin_nano_of_jetpack_6_shows_its_rails_by_label_and_a_zone_that_is_off(tree: Tree, tmp_path: Path) -> None:
    machines.orin_nano(tmp_path / "root")
    found = read(tree())
    assert [(s.kind, s.rails) for s in found.sensors] == [("ina3221", ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"))]
    assert (found.power_mode, found.power_modes[2].name, found.jetpack, found.libc_version) == (2, "MAXN_SUPER", "JetPack 6", "2.35")
    assert found.zones[2].type == "cv0-thermal" and found.zones[2].celsius is None and found.zones[0].celsius == 40.5


def test_no_serial_number_is_told(tree: Tree, tmp_path: Path) -> None:
    machines.pi4(tmp_path / "root")
    cpuinfo = tmp_path / "root/proc/cpuinfo"
    cpuinfo.write_text(cpuinfo.read_text() + "Serial\t\t: 10000000deadbeef\n")
    assert b"deadbeef" not in b"".join(value for _, value in tree())


def test_a_device_that_is_another_than_the_board_says_so_in_every_point(tree: Tree, tmp_path: Path) -> None:
    machines.pi4(tmp_path / "root")
    found = mismatches(read(tree(), ("portable", "neon")), boards.resolve("nvidia_jetson_orin_nano"))
    starts = ["the device is raspberrypi,4", "the user land", "the chip tegra234", "the device has 4 x Cortex-A72"]
    starts += ["ina3221 shows no rail VDD_IN", "nvpmodel says", "there is no thermal zone gpu-thermal"]
    assert [start for start, text in zip(starts, found, strict=True) if not text.startswith(start)] == []
    orin = read([("board.compatible", b"nvidia,p3767-0005"), ("memory.total", b"16000000000")], machine="x86_64")
    assert "14.90 GiB of memory, the file says 1 GiB" in "".join(mismatches(orin, boards.resolve("raspberrypi_3b_plus")))
    assert mismatches(orin, boards.resolve("raspberrypi_5"))[1] == "the device is of x86_64, the chip of aarch64"


@pytest.mark.parametrize(
    ("machine", "bits", "board"), [("aarch64", 64, "arm64"), ("aarch64", 32, "armv7"), ("armv7l", 32, "armv7"), ("x86_64", 64, "x86_64")]
)
def test_a_machine_that_no_file_describes_is_a_generic_one(machine: str, bits: int, board: str) -> None:
    found = identify(parse([("kernel.machine", machine.encode()), ("userland.bits", b"%d" % bits)]))
    assert found is not None and found.id == f"generic_{board}"
    assert identify(parse([("kernel.machine", b"riscv64")])) is None


@pytest.mark.parametrize("name", machines.MACHINES)
def test_a_file_drafted_from_a_device_is_sound_and_fits_it(name: str, tree: Tree, tmp_path: Path) -> None:
    machines.MACHINES[name](tmp_path / "root")
    found = read(tree(), ("portable", "neon"))
    known, remarks = draft(found)
    path = tmp_path / "my_board.toml"
    write(path, render("my_board", known, remarks))
    board = boards.read_board(path)
    assert board.cores[0].name == found.cores[0].name and board.systems[0].python == found.python and board.name == found.model
    wrong = [text for text in mismatches(found, board) if "user land" not in text and "neon_dotprod" not in text]
    assert wrong == []
    assert [remark for remark in remarks if all(rail in remark for s in found.sensors for rail in s.rails)] == remarks


def every_file(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("name", ["raspberrypi_4b", "nvidia_jetson_nano"])
@pytest.mark.parametrize("kind", ["missing", "fifo", "folder", "empty", "garbage", "huge", "loop", "zeros", "long line"])
def test_a_hostile_tree_ends_in_time_with_bounded_facts(kind: str, name: str, tree: Tree, tmp_path: Path) -> None:
    """Every file is something else than it should be."""
    root = tmp_path / "root"
    machines.MACHINES[name](root)
    spoil: dict[str, Callable[[Path], object]] = {
        "missing": lambda path: None,
        "fifo": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "empty": lambda path: path.touch(),
        "garbage": lambda path: path.write_bytes(random.Random(7).randbytes(5000)),
        "huge": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 40),
        "loop": lambda path: path.symlink_to(path.name),
        "zeros": lambda path: path.write_bytes(bytes(5000)),
        "long line": lambda path: path.write_bytes(b"model name\t: " + b"a" * 100_000),
    }
    for path in every_file(root):
        path.unlink()
        spoil[kind](path)
    rows = tree()
    assert {key for key, _ in rows} >= {"clock.wall", "user.id"}
    assert len(rows) <= 512 and all(len(value) <= 2048 and all(c >= 32 or c == 9 for c in value) for _, value in rows)
    parse(rows)


def test_thousands_of_entries_are_bounded(tree: Tree, tmp_path: Path) -> None:
    root = tmp_path / "root"
    machines.pi5(root)
    for i in range(1200):
        place = root / f"sys/class/hwmon/hwmon{i}"
        place.mkdir(parents=True, exist_ok=True)
        machines.write(place, {"name": "x\n", **{f"in{k}_alarm": "1\n" for k in range(12)}})
    rows = tree()
    assert len(rows) == 512 and read(rows).cores[0].count == 4


def test_a_listener_that_stops_is_told_nothing_more(tree: Tree) -> None:
    assert len(tree(3)) == 3


def test_mutated_facts_never_break_the_host(tree: Tree, tmp_path: Path) -> None:
    machines.orin_nano(tmp_path / "root")
    rows, generator = tree(), random.Random(11)
    for _ in range(300):
        changed = []
        for key, value in rows:
            data = bytearray(value)
            for _ in range(generator.randrange(4)):
                data[generator.randrange(len(data))] = generator.choice((0, 9, 27, 45, 57, 128, 255))
            changed.append((key, bytes(data[: generator.randrange(len(data) + 1)])))
        found = parse(changed)
        text = repr(found)
        assert text.isprintable()
        for board in boards.all_boards():
            mismatches(found, board)
        identify(found)


def test_a_device_that_never_stops_is_an_error() -> None:
    with pytest.raises(LinkError, match=f"more than {MAX_FACTS} facts"):
        parse([("alarm", b"x")] * (MAX_FACTS + 1))


def test_what_a_device_says_cannot_move_a_terminal() -> None:
    found = parse([("board.model", b"\x1b[2JPi\xff\x00"), ("os.name", "é\u202e".encode())])
    assert (found.model, found.os) == ("\\x1b[2JPi\\xff\\x00", "é\\u202e")


def test_the_agent_tells_the_host_what_it_prints_on_the_device(local: Local) -> None:
    found = probe(local.target)
    printed = local.agent("probe")
    rows = [tuple(line.split("\t", 1)) for line in printed.stdout.splitlines()]
    again = parse([(key, value.encode()) for key, value in rows], found.isas)
    moving = {"memory_free": 0, "agent_pss": 0, "clock_skew_s": 0, "zones": (), "store": None, "agent": None, "cores": ()}
    assert replace(found, **moving) == replace(again, **moving) and printed.returncode == 0
    assert found.machine and found.memory_bytes and found.isas and found.store and found.store.path == str(local.store)
    assert found.clock_skew_s in (-1, 0, 1) and not local.store.exists()


def test_a_microcontroller_says_nothing_more_and_that_is_no_error(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build.build("posix", build.config_for("posix", None, False))
    monkeypatch.setenv("EDGEQ_AGENT", str(path))
    found = probe(local.target)
    assert found.isas == ("portable",) and found.model == "" and found.cores == () and identify(found) is None


def test_a_probe_reads_and_does_nothing_else(local: Local) -> None:
    """The system calls that it makes: no file is opened for writing, made, removed, and no program is started."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = local.folder / "trace"
    done = subprocess.run(["strace", "-f", "-o", trace, os.environ["EDGEQ_AGENT"], "probe"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    calls = re.findall(r"^\d+ +(\w+)\((.*)", trace.read_text(), re.M)
    names = [name for name, _ in calls]
    opened = [rest for name, rest in calls if name in ("open", "openat")]
    assert len(opened) > 15 and [rest for rest in opened if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", rest)] == []
    assert [rest for name, rest in calls if name == "write" and not rest.startswith(("1,", "2,"))] == []
    changing = re.compile(r"mkdir|rename|unlink|rmdir|link|chmod|chown|truncate|mount|socket|connect|fork|clone|kill|utime|setxattr|pwrite")
    assert [name for name in names if changing.search(name) and name not in ("readlink", "readlinkat")] == []
    assert names.count("execve") == 1
