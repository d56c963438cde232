"""Start-up, faults, time and guard on Armv6-M, which has fewer instructions and one fault for all: the code of the Pico's core. QEMU has no
RP2040 and no other machine with the memory of the agent; this much of it runs on the Cortex-M0 that it does have."""

from __future__ import annotations

import subprocess
from pathlib import Path

from edgeq_runtime import build, firmware
from tests.store.binding import FAULT

HERE = Path(__file__).with_name("armv6m")
CRASHED, HUNG = (str(FAULT[name]) for name in ("selftest_crashed", "selftest_hung"))


def test_work_that_ends_in_every_way_is_told_apart_on_armv6m(tools: None, tmp_path: Path) -> None:
    common = [firmware.FOLDER / "cortexm" / name for name in ("start.c", "guard.c", "time.c", "memory.c")]
    flags = [*firmware.CORES["m0plus"].flags, "-mthumb", "-ffreestanding", "-std=c11", "-Os", "-Wall", "-Wextra", "-Werror"]
    places = [f"-I{place}" for place in (HERE, firmware.FOLDER / "cortexm", build.CSRC)]
    link = ["-nostartfiles", "--specs=nano.specs", f"-L{HERE}", f"-T{firmware.FOLDER / 'cortexm' / 'cortexm.ld'}", "-Wl,--fatal-warnings"]
    image = tmp_path / "armv6m.elf"
    subprocess.run([firmware.CC, *flags, *places, *map(str, [*common, HERE / "main.c"]), *link, "-o", str(image)], check=True)
    command = ["qemu-system-arm", "-M", "microbit", "-display", "none", "-monitor", "none", "-serial", "none"]
    run = [*command, "-semihosting-config", "enable=on,target=native", "-kernel", str(image)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    said = dict(line.rsplit(" ", 1) for line in (done.stdout + done.stderr).splitlines())
    assert said == {
        **{"data": "5", "nothing": CRASHED, "askew": CRASHED, "instruction": CRASHED, "endless": HUNG, "in time": "1"},
        **{"nmi": CRASHED, "passed nmi": "0", "went on": "7", "returns": "0", "result": "42", "nmis": "2"},
    }
