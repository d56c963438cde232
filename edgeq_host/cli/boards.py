"""edgeq boards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq_host.cli import key_options, output, target
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.board_file import Board, Cores
    from edgeq_host.chip_memory import Flash
    from edgeq_host.keys import PrivateKey


@click.group("boards")
def command() -> None:
    """The kinds of board that edgeq knows, and your own."""


@output.subcommand(command, "list")
def list_command(as_json: bool) -> None:
    """Every kind of board: id, its other names, name, family, architecture and how we know that it works.

    \b
    edgeq boards list
    """
    from edgeq_host.boards import ALIASES, survey

    found, wrong = survey()
    if as_json:
        texts = [error.message for error in wrong]
        output.document("edgeq.boards/1", boards=[_fields(board) for board in found], aliases=dict(ALIASES), wrong=texts)
        return
    also = {board.id: ", ".join(name for name, known in ALIASES.items() if known == board.id) or "-" for board in found}
    rows = [(b.id, also[b.id], b.name, b.family or "-", b.chip.arch, b.evidence.kind, b.evidence.date) for b in found]
    output.table(["id", "also", "name", "family", "arch", "evidence", "date"], rows, left=7)
    for error in wrong:
        output.note(f"no board: {error.message}; {error.hint}")


@output.subcommand(command, "show")
@click.argument("name", metavar="ID|FAMILY")
def show_command(name: str, as_json: bool) -> None:
    """Everything that the file of a board says, or the members of a family.

    \b
    edgeq boards show raspberrypi_5
    edgeq boards show jetson
    """
    from edgeq_host.boards import family, resolve

    members = family(name)
    found = members or [resolve(name)]
    if as_json:
        output.document("edgeq.board/1", boards=[_fields(board) for board in found])
        return
    for i, board in enumerate(found):
        if i:
            output.line()
        _show(board)


@output.subcommand(command, "validate")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def validate_command(files: tuple[Path, ...], as_json: bool) -> int:
    """Check board files: every problem of each. Without FILES all boards that are found; a file in a folder `chips` is a chip.

    \b
    edgeq boards validate boards/my_board.toml
    """
    from edgeq_host.boards import examine, paths

    chosen = files or tuple(paths().values())
    found = {path: examine(path, chip=path.absolute().parent.name == "chips") for path in chosen}
    wrong = sum(1 for problems in found.values() if problems)
    if as_json:
        rows = [{"file": str(path), "problems": [asdict(problem) for problem in problems]} for path, problems in found.items()]
        output.document("edgeq.boards-validate/1", files=rows, sound=not wrong)
        return UsageError.code if wrong else 0
    for path, problems in found.items():
        output.line(f"{path}: {'sound' if not problems else output.counted(len(problems), 'problem')}")
        for problem in problems:
            output.line(f"  {problem.text}; {problem.hint}")
    return UsageError.code if wrong else 0


@output.subcommand(command, "new")
@click.argument("board_id", metavar="ID")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), help="The file; default: boards/ID.toml. Its stem is ID.")
@click.option("--from", "source", metavar="DEVICE", help="A device or an address that is asked what it is; it fills the file.")
@target.connection_options
def new_command(board_id: str, file: Path | None, source: str | None, as_json: bool) -> None:
    """Write a commented file for a board of your own. Nothing is overwritten.

    \b
    edgeq boards new acme_gateway
    edgeq boards new acme_gateway --from root@gateway.local
    """
    from edgeq_host import board_template, boards

    path = file or Path("boards") / f"{board_id}.toml"
    text = board_template.render(board_id) if source is None else _of_device(board_id, source)
    board_template.write(path, text)
    shipped = (boards.SHIPPED / f"{board_id}.toml").is_file()
    if as_json:
        output.document("edgeq.boards-new/1", id=board_id, file=str(path), replaces=board_id if shipped else None)
        return
    if shipped:
        output.note(f"edgeq ships a board {board_id}: where this file is found it takes its place")
    output.line(f"{path}: {'fill it in' if source is None else 'look it through'}, then: edgeq boards validate {path}")


def _of_device(board_id: str, source: str) -> str:
    from edgeq_host import board_template
    from edgeq_host.board_draft import draft
    from edgeq_host.probe import probe

    known, remarks = draft(probe(target.resolve(source)))
    return board_template.render(board_id, known, remarks, "what the file says was read on the device; nothing has run yet")


@output.subcommand(command, "verify")
@click.argument("device", metavar="DEVICE")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), help="Write the report to this file (TOML).")
@key_options.private_key_options("key", "The private key of one that the device has: needed where it has any.")
@target.connection_options
def verify_command(device: str, file: Path | None, load: Callable[[], PrivateKey] | None, as_json: bool) -> int:
    """Try edgeq on a real device: every kernel, deploy, cut connections, rollback, profile, memory.

    The report names no host, user, address or serial number. What is installed for it is removed again. Exit code 5 where a check fails.

    \b
    edgeq boards verify kitchen -o report.toml
    edgeq boards verify kitchen -o report.toml --key release.key
    """
    from edgeq_host import verify_report
    from edgeq_host.errors import RolledBackError
    from edgeq_host.export import check_place, write_file
    from edgeq_host.verify import verify

    if file is not None:
        check_place(file)
    key = load() if load else None
    on = target.resolve(device)
    found = verify(on, None if as_json else lambda check: output.line(f"{check.state:<9} {check.name}: {check.text}"), key)
    table = verify_report.table(found)
    if file is not None:
        write_file(file, verify_report.text(found).encode())
    if as_json:
        output.document(**{**table, "file": str(file) if file else None})
    else:
        for text in found.differs:
            output.line(f"differs: {text}")
        if found.doubt:
            output.line(f"no evidence of silicon: {found.doubt}")
        output.line(f"{found.board or 'unknown board'}: {'all checks passed' if found.passed else 'a check failed'}, {found.source}")
        if file is not None:
            output.line(f"{file}: the report; look it through, then add it to a pull request")
    return 0 if found.passed else RolledBackError.code


def _fields(board: Board) -> dict[str, Any]:
    return {**asdict(board), "path": str(board.path)}


def _show(board: Board) -> None:
    output.line(f"{board.id}: {board.name}" + (f", family {board.family}" if board.family else ""))
    rows = [row for row in _rows(board) if row[1]]
    for label, text in rows:
        output.line(f"  {label:<13} {text}")


def _rows(board: Board) -> Iterator[tuple[str, str]]:
    chip = board.chip
    clock = f", up to {output.quantity(chip.clock_hz, 'Hz')}" if chip.clock_hz else ""
    yield "chip", f"{chip.name} ({chip.id}), {chip.arch}" + (f": {chip.note}" if chip.note else "")
    yield "cores", "; ".join(map(_cores, board.cores)) + clock
    yield "kernels", ", ".join(chip.isas) + ("" if chip.fpu else "; integers only")
    yield "memory", " or ".join(f"{size / 2**30:g} GiB" for size in board.memory_bytes)
    for bank in board.banks:
        yield bank.kind, f"{bank.name}: {bank.bytes // 1024} KiB at {bank.address:#010x}" + "".join(f", {a}" for a in bank.attributes)
    yield "erase map", _flash(board.flash) if board.flash else ""
    yield "link", board.link or "the address of your device: edgeq devices add, or --board ADDRESS"
    yield "match", ", ".join(board.match)
    for system in board.systems:
        yield "system", f"{system.name}: glibc {system.glibc}" + (f", Python {system.python}" if system.python else "")
    yield "thermal zones", ", ".join(board.thermal_zones)
    yield "power modes", board.power_modes
    for power in board.power:
        rails = f", rails {', '.join(power.rails)}; the total is {' + '.join(power.total)}" if power.total else ""
        yield "power", power.kind + rails + (f": {power.note}" if power.note else "")
    for alarm in board.alarms:
        yield "alarm", f"{alarm.name}: {alarm.file} of hwmon {alarm.hwmon}"
    yield "USB", ", ".join(board.usb)
    yield "firmware", board.firmware
    tool = board.flash_tool
    yield "flash tool", ", ".join([*(f"USB drive {drive} ({tool.image})" for drive in tool.drives), f"pyOCD {tool.pyocd}"]) if tool else ""
    evidence = board.evidence
    yield "evidence", f"{evidence.kind}, {evidence.date}, edgeq {evidence.version}: {evidence.how}"
    yield "note", board.note
    yield "file", str(board.path)


def _flash(flash: Flash) -> str:
    sectors = " + ".join(f"{run.count} x {run.bytes // 1024} KiB" for run in flash.sectors)
    often = {0: "again and again", 1: "once"}.get(flash.word_writes, f"{flash.word_writes} times")
    store = f"; the store is {flash.store.bytes // 1024} KiB at {flash.store.address:#010x}" if flash.store else ""
    goes_on = "runs on" if flash.read_while_write else "waits"
    return f"sectors of {sectors}, words of {flash.word_bytes} bytes programmed {often}, code {goes_on} meanwhile{store}"


def _cores(cores: Cores) -> str:
    return f"{' or '.join(map(str, cores.counts))} x {cores.name}"
