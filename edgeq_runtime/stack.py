"""How much stack an image of a microcontroller can take at most: the deepest way through its calls, as the compiler writes them down
(-fcallgraph-info=su, one file for an image that is linked as a whole). What it cannot know stands here: whom a call through a pointer may
reach, by the file that it stands in, and the assembly of the ports."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from edgeq_runtime.toolchain import BuildError

ROOT = Path(__file__).resolve().parent.parent
OBJDUMP = "arm-none-eabi-objdump"
INDIRECT = "__indirect_call"
# Files with calls through pointers, the first pattern that fits: "file:function" of all that they may reach.
REACHES: dict[str, tuple[str, ...]] = {
    "csrc/eq_run.c": ("csrc/ops/*:eq_run_*", "csrc/agent/*:after"),
    "csrc/eq_internal.h": ("csrc/ops/add_s8.c:eq_run_add_s8",),  # eq_then: what follows an operator
    "csrc/eq_model.c": ("csrc/ops/*:eq_prepare_*",),
    "csrc/eq_sha256.c": ("csrc/eq_sha256.c:compress", "csrc/hash/*"),
    "csrc/ops/pool.c": ("csrc/ops/*_pool2d_*.c:run",),
    "csrc/ops/depthwise.c": ("csrc/ops/depthwise_conv2d_*.c:run_pixels", "csrc/ops/depthwise_conv2d_*.c:add_pixel"),
    "csrc/ops/broadcast.c": ("csrc/ops/*:row_of", "csrc/ops/add_s8.c:add"),
    "csrc/ops/reduction.c": ("csrc/ops/reduce_*.c:reduce",),
    "csrc/ops/*": ("csrc/kernels/*:eq_*",),
    "csrc/agent/agent_model.c": ("csrc/*:eq_input_tensor", "csrc/*:eq_output_tensor", "csrc/*:eq_input", "csrc/*:eq_output"),
    "csrc/agent/agent.c": ("csrc/agent/agent_*.c:eq_agent_*",),
    "csrc/bench/rows.c": ("csrc/kernels/*:eq_*", "csrc/bench/rows.c:[!e]*"),
    "csrc/agent/store_flash.c": ("csrc/agent/store_flash.c:do_*", "csrc/agent/agent_store.c:send_event"),
    "csrc/agent/store_flash_records.c": ("firmware/*:erase", "firmware/*:program"),
    "csrc/agent/store_flash_change.c": (
        *("csrc/agent/store_flash.c:do_*", "firmware/*:program", "csrc/agent/trust.c:eq_trust_admit"),
        *("csrc/agent/agent_store.c:run_check",),
    ),
    "csrc/agent/store_flash_versions.c": (
        *("csrc/agent/store_flash.c:do_*", "csrc/agent/store_flash_versions.c:back", "csrc/agent/store_flash_versions.c:keep_fewer"),
        *("csrc/agent/store_flash_versions.c:take_away", "csrc/agent/agent_store.c:run_check"),
    ),
    "csrc/agent/*": ("csrc/agent/store_flash.c:do_*",),
    "firmware/*": (),
}
# Calls of assembly, which the compiler does not see.
ASSEMBLY = {
    "call": ("csrc/agent/agent_health.c:check_all", "csrc/agent/agent_probe.c:run_check"),
    "eq_systick_interrupt": ("firmware/cortexm/time.c:eq_time_period", "firmware/cortexm/guard.c:eq_guard_leave_with"),
    "eq_fault_interrupt": ("firmware/cortexm/guard.c:eq_guard_leave_with",),
    "eq_guard_leave_with": ("firmware/cortexm/guard.c:eq_guard_frame",),
}
START = "on_process_stack"  # what runs on the process stack begins here
INTERRUPTS = ("eq_systick_interrupt", "eq_board_receive_interrupt")  # that do not interrupt each other; a fault interrupts them
FAULT = "eq_fault_interrupt"
FRAME, FRAME_FPU = 40, 112  # bytes that the processor puts on the stack at an interrupt, aligned
_NODE = re.compile(r'^node: { title: "([^"]*)" label: "([^"]*)"', re.M)
_EDGE = re.compile(r'^edge: { sourcename: "([^"]*)" targetname: "([^"]*)"(?: label: "([^"]*)")?', re.M)
_BYTES = re.compile(r"(\d+) bytes \((\w+(?:,\w+)?)\)")
_FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
_PUSH = re.compile(r"\t(?:push|stmdb\tsp!,|stmdb sp!,|vpush|vstmdb\tsp!,)[^{]*{([^}]*)}")
_TAKE = re.compile(r"\tsub(?:w|\.w|s)?\s+sp, (?:sp, )?#(\d+)|\tstr(?:d)?(?:\.w)?\s.*\[sp, #-(\d+)\]!")


def _place(label: str) -> str:
    """file:function, the file below edgeq_runtime or the repository."""
    name, _, rest = label.partition("\\n")
    path = rest.partition("\\n")[0].rsplit(":", 2)[0]
    return f"{_short(path)}:{name.split('.')[0]}"


def _short(path: str) -> str:
    for root in (ROOT / "edgeq_runtime", ROOT):
        if Path(path).is_relative_to(root):
            return str(Path(path).relative_to(root))
    return path


def _registers(listed: str) -> int:
    """Bytes of a list of registers."""
    total = 0
    for part in listed.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        count = int(re.sub(r"\D", "", last)) - int(re.sub(r"\D", "", first)) + 1 if last and first[0] in "rsd" else 1
        total += count * (8 if first.startswith("d") else 4)
    return total


def disassembled(elf: Path) -> dict[str, int]:
    """Bytes that the code of each function takes off the stack pointer: for what no compiler has told of (libgcc, assembly)."""
    done = subprocess.run([OBJDUMP, "-d", "--no-show-raw-insn", str(elf)], capture_output=True, text=True, check=True)
    found: dict[str, int] = {}
    name = ""
    for line in done.stdout.splitlines():
        if begin := _FUNCTION.match(line):
            name = begin.group(1)
            found.setdefault(name, 0)
        elif push := _PUSH.search(line):
            found[name] += _registers(push.group(1))
        elif take := _TAKE.search(line):
            found[name] += int(take.group(1) or take.group(2))
    return found


@dataclass
class Graph:
    """frames: bytes by function; places: file:function; calls: to functions; pointers: files whose calls through pointers it holds."""

    frames: dict[str, int] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    pointers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def fitting(self, patterns: tuple[str, ...]) -> set[str]:
        return {name for name, place in self.places.items() if any(fnmatch(place, pattern) for pattern in patterns)}

    @cached_property
    def reached(self) -> dict[str, set[str]]:
        """Whom each function calls, through pointers, too. BuildError: a file calls through one and nobody has said whom."""
        found = {name: set(targets) for name, targets in self.calls.items()}
        for name, files in self.pointers.items():
            for file in files:
                patterns = next((to for pattern, to in REACHES.items() if fnmatch(file, pattern)), None)
                if patterns is None:
                    raise BuildError(f"{file} calls through a pointer: add to edgeq_runtime/stack.py whom it may reach")
                reached = self.fitting(patterns)
                if name in reached:  # what is called back itself calls others than its like
                    reached = {to for to in reached if self.places[to].partition(":")[0] != file}
                found.setdefault(name, set()).update(reached)
        for name, patterns in ASSEMBLY.items():
            found.setdefault(name, set()).update(self.fitting(patterns))
        return found

    def deepest(self, root: str) -> tuple[int, list[str]]:
        """Bytes of the deepest chain of calls from a function on, itself included, and the chain. BuildError: one calls itself."""
        done: dict[str, tuple[int, list[str]]] = {}
        active: list[str] = []

        def visit(name: str) -> tuple[int, list[str]]:
            if name in done:
                return done[name]
            if name in active:
                raise BuildError(f"the stack has no bound: {' > '.join([*active[active.index(name) :], name])}")
            active.append(name)
            below = max((visit(target) for target in sorted(self.reached.get(name, ()))), key=lambda way: way[0], default=(0, []))
            active.pop()
            done[name] = (self.frames.get(name, 0) + below[0], [name, *below[1]])
            return done[name]

        return visit(root)


def read(text: str, elf: Path) -> Graph:
    """text: of the compiler's file. BuildError: a frame has no fixed size."""
    graph = Graph()
    frames = disassembled(elf)
    for title, label in _NODE.findall(text):
        name = title.rpartition(":")[2]
        size = _BYTES.search(label)
        if size and "dynamic" in size.group(2) and "bounded" not in size.group(2):
            raise BuildError(f"{name} takes stack as it goes: the stack has no bound")
        graph.frames[name] = max(int(size.group(1)) if size else 0, frames.get(name, 0))
        if size:
            graph.places[name] = _place(label)
    for name, size_of in frames.items():
        graph.frames.setdefault(name, size_of)
    for source, target, label in _EDGE.findall(text):
        name = source.rpartition(":")[2]
        if target == INDIRECT:
            graph.pointers[name].add(_short(label.rsplit(":", 2)[0]))
        else:
            graph.calls[name].add(target.rpartition(":")[2])
    return graph


def bounds(text: str, elf: Path, fpu: bool) -> tuple[int, int]:
    """Bytes that the agent's stack can take at most, an interrupt's frame included, and that of the interrupts' handlers."""
    graph = read(text, elf)
    frame = FRAME_FPU if fpu else FRAME
    handler = max(graph.deepest(name)[0] for name in INTERRUPTS) + frame + graph.deepest(FAULT)[0]
    return graph.deepest(START)[0] + frame, handler


NM = "arm-none-eabi-nm"
SIZE = "arm-none-eabi-size"


def footprint(elf: Path, fpu: bool) -> dict[str, int]:
    """What an image takes: bytes of flash, of RAM that never moves (without the stacks; agent_bytes of them are the agent's), and of both
    stacks as they are reserved and as they can be filled at most. BuildError: one can be filled further."""
    listed = subprocess.run([SIZE, "-A", str(elf)], capture_output=True, text=True, check=True).stdout
    sections = {words[0]: int(words[1]) for line in listed.splitlines() if len(words := line.split()) == 3 and words[0].startswith(".")}
    named = subprocess.run([NM, "-S", str(elf)], capture_output=True, text=True, check=True).stdout
    symbols = [line.split() for line in named.splitlines()]
    places = {words[-1]: int(words[0], 16) for words in symbols}
    agent = next((int(words[1], 16) for words in symbols if words[-1] == "eq_agent_memory"), 0)
    stack, handlers = bounds((elf.parent / "edgeq.ltrans0.ltrans.ci").read_text(encoding="utf-8"), elf, fpu)
    found = {
        "flash_bytes": sections[".text"] + sections.get(".data", 0),
        "ram_bytes": sections.get(".data", 0) + sections.get(".bss", 0),
        "agent_bytes": agent,
        "stack_bytes": stack,
        "stack_reserved_bytes": places["eq_stack_top"] - places["eq_stack_bottom"],
        "handler_stack_bytes": handlers,
        "handler_stack_reserved_bytes": places["eq_handler_stack_top"] - places["eq_stack_top"],
    }
    for kind in ("stack", "handler_stack"):
        if found[f"{kind}_bytes"] > found[f"{kind}_reserved_bytes"]:
            raise BuildError(f"{elf}: {kind} may take {found[f'{kind}_bytes']} bytes, and {found[f'{kind}_reserved_bytes']} are set aside")
    return found
