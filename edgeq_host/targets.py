"""What `--board` means: a device, an address, a kind of board or a family becomes the devices that a command works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeq_host import addresses, boards, inventory, offers, plugged, settings
from edgeq_host.boards import Board
from edgeq_host.errors import UsageError
from edgeq_host.inventory import Entry
from edgeq_host.ssh import address as ssh_addresses
from edgeq_host.text import near
from edgeq_host.transports import DEFAULT, Options

SHOWN = 20  # devices or hosts that a message lists


@dataclass(frozen=True)
class Target:
    """name: for people and for `board` in JSON: a device's name, the id of a board that is its own device, or an address.

    board: the kind of board, where somebody has said it; the device itself says what it is when it is asked. remark: what the user should
    know of how it was chosen.
    """

    name: str
    address: str
    board: Board | None = None
    options: Options = DEFAULT
    remark: str = field(default="", compare=False)

    @property
    def place(self) -> str:
        """Where it is, for people: the address, or what a board is that is its own device."""
        return self.board.name if self.board is not None and self.board.link == self.address else self.address

    @property
    def source(self) -> str:
        """What figures from it are: "emulated" where the board is an emulator, else "measured"."""
        emulator = self.board is not None and self.board.link == self.address and self.board.evidence.kind == "emulated"
        return "emulated" if emulator else "measured"

    def passing(self) -> Target:
        """For a session that leaves nothing on the device, an agent that had to be sent neither."""
        return replace(self, options=replace(self.options, passing=True))


def of_board(board: Board) -> Target:
    """A board that is its own device, such as `local`."""
    return Target(board.id, board.link, board)


def of_entry(entry: Entry) -> Target:
    """UsageError where the device has no address that can be used. A board that is not known here takes nothing from it but what its
    file would say."""
    if not entry.address and entry.wrong is not None:
        raise UsageError(f"{entry.path}: device {entry.name!r}: {entry.wrong.text}", entry.wrong.hint)
    board, remark = None, ""
    try:
        board = boards.resolve(entry.board) if entry.board else None
    except UsageError as error:
        remark = f"{entry.name}: {error.message}; what it is comes from the device alone"
    options = Options(identity=str(Path(entry.key).expanduser()) if entry.key else "")
    return Target(entry.name, entry.address, board, options, remark)


def resolve(words: Sequence[str], every: bool = False, tags: Sequence[str] = (), options: Options = DEFAULT) -> list[Target]:
    """words: of --board, commas between several. every, tags: all devices, or those with any of the tags; words then choose among them.
    UsageError where a word does not mean exactly one device, or nothing is left. options: of the command, over those of a device."""
    names = [name for word in words for name in _split(word) if name]
    found = _grouped(names, every, tags) if every or tags else [_one(name) for name in names or _default()]
    return [with_options(target, options) for target in dict.fromkeys(found)]


def _split(word: str) -> list[str]:
    """Names with commas between; a command may have commas of its own."""
    return [word] if word.startswith("pipe:") else [part.strip() for part in word.split(",")]


def with_options(target: Target, options: Options) -> Target:
    """options over those of the device, but for its key."""
    return replace(target, options=replace(options, identity=options.identity or target.options.identity))


def _default() -> list[str]:
    board = settings.value("board")
    if board:
        return [name for name in _split(str(board)) if name]
    known = ", ".join([*list(inventory.entries())[:SHOWN], *(board.id for board in boards.all_boards() if board.link)])
    raise UsageError("no board is given", f"give --board one of: {known}; or board = ... in {settings.NAME}")


def _one(name: str) -> Target:
    entries = inventory.entries()
    if name in entries:
        return of_entry(entries[name])
    if _is_kind(name):
        return _of_kind(name, entries)
    if addresses.is_address(name):
        return Target(name, addresses.canonical(name))
    raise _unknown(name, entries)


def _is_kind(name: str) -> bool:
    return name in boards.paths() or name in boards.ALIASES or name in boards.families()


def _members(name: str) -> Callable[[Entry], bool]:
    """Whether an entry is of the kind or the family `name`."""
    ids = {board.id for board in boards.family(name)} or {boards.resolve(name).id}
    return lambda entry: entry.board in ids


def _of_kind(name: str, entries: dict[str, Entry]) -> Target:
    if name not in boards.families():
        board = boards.resolve(name)
        if board.link:
            return of_board(board)
    fitting = [entry for entry in entries.values() if _members(name)(entry)]
    meant = plugged.kinds(name)
    free = plugged.free(meant, entries.values())
    if len(fitting) + len(free) > 1:
        raise _several(name, fitting, [plugged.to_add(port, meant) for port in free])
    if fitting:
        return _one_of_several(name, fitting[0], entries)
    if free:
        kinds = [board for board in meant if free[0].usb in board.usb]
        remark = f"{free[0].text} is the only port here that may be {_article(name)}'s"
        return Target(free[0].address, free[0].address, kinds[0] if len(kinds) == 1 else None, remark=remark)
    raise _no_device(name, entries)


def _several(name: str, fitting: list[Entry], lines: list[str]) -> UsageError:
    """lines: that name what is plugged in and has no name yet."""
    shown = [f"{entry.name}  {entry.address}  {entry.board}" for entry in fitting[:SHOWN]]
    if not lines:
        return UsageError(f"{len(fitting)} devices are {name}", "\n".join(["name one of them with --board, or all with --all:", *shown]))
    hint = ["name the one that you mean, then use its name:", *shown, *lines[:SHOWN]]
    return UsageError(f"{len(fitting) + len(lines)} devices may be {_article(name)}", "\n".join(hint))


def _one_of_several(name: str, entry: Entry, entries: dict[str, Entry]) -> Target:
    """Others that nobody has asked could be meant as well."""
    target = of_entry(entry)
    unsaid = [other.name for other in entries.values() if not other.board and other.address]
    if not unsaid:
        return target
    shown = ", ".join(unsaid[:SHOWN])
    remark = f"{entry.name} is the only device that is known to be {_article(name)}; nobody has said yet what {shown} is"
    return replace(target, remark=f"{remark}: edgeq devices probe {unsaid[0]} --save")


def _no_device(name: str, entries: dict[str, Entry]) -> UsageError:
    unsaid = [f"edgeq devices probe {entry.name} --save" for entry in entries.values() if not entry.board and entry.address]
    kind = "" if boards.family(name) else f" --board {boards.resolve(name).id}"  # a device of a family is asked which it is
    lines = offers.to_add(entries, kind) or [f"edgeq devices add NAME pi@HOST{kind}"]
    what = ["nobody has said yet what these are:", *unsaid[:SHOWN]] if unsaid else []
    return UsageError(f"no device of yours is {_article(name)}", "\n".join([*what, "say what it is and where:", *lines[:SHOWN]]))


def _article(name: str) -> str:
    return f"one of the family {name}" if name in boards.families() else f"a {name}"


def _unknown(name: str, entries: dict[str, Entry]) -> UsageError:
    known = [*entries, *boards.paths(), *boards.ALIASES, *boards.families()]
    meant = near(name, known)
    text = f"no device and no kind of board is named {name!r}" + (f"; did you mean {' or '.join(meant)}?" if meant else "")
    line = offers.to_add(entries, only=name)
    if line:
        return UsageError(text, f"your ssh knows a host of that name; add it:\n{line[0]}")
    devices = f"your devices: {', '.join(list(entries)[:SHOWN])}" if entries else "you have added no device (edgeq devices add)"
    kinds = f"kinds of board: {', '.join(boards.paths())}; families: {', '.join(boards.families())}"
    host = offers.of_host(name)
    return UsageError(text, f"{devices}; {kinds}" + (f"; a host: {host}" if host else ""))


def _grouped(names: list[str], every: bool, tags: Sequence[str]) -> list[Target]:
    entries = inventory.entries()
    chosen = [e for e in entries.values() if not tags or set(tags) & set(e.tags)]
    for name in names:
        _check_choice(name, entries)
    if names:
        chosen = [e for e in chosen if any(e.name == n or (_is_kind(n) and _members(n)(e)) for n in names)]
    if not chosen:
        said = " ".join([*(["--all"] if every else []), *(f"--tag {t}" for t in tags), *(f"--board {n}" for n in names)])
        known = sorted({tag for e in entries.values() for tag in e.tags})
        have = f"edgeq devices list shows yours; their tags: {', '.join(known) or 'none'}"
        raise UsageError(f"no device fits {said}", have if entries else "you have added none: edgeq devices add NAME pi@HOST")
    return [of_entry(entry) for entry in chosen]


def _check_choice(name: str, entries: dict[str, Entry]) -> None:
    """UsageError for a word that chooses none among the devices, with --all or --tag."""
    if name in entries:
        return
    if addresses.is_address(name):
        shown = ssh_addresses.redacted(name)
        raise UsageError(
            f"--all and --tag choose among your devices, {shown} is an address",
            "leave --all and --tag out, or add it: edgeq devices add NAME ADDRESS",
        )
    if not _is_kind(name):
        raise _unknown(name, entries)
    if name not in boards.families() and boards.resolve(name).link:
        raise UsageError(f"--all and --tag choose among your devices, {name} is one of its own", "leave --all and --tag out")
