"""What the device answers when it refuses, as the errors of this program."""

from __future__ import annotations

import shlex

from edgeq_host import wire
from edgeq_host.errors import BoardError, EdgeqError, LinkError, ModelError, RollbackError, RolledBackError, SignatureError, UsageError
from edgeq_runtime import native

_HINTS = {
    "unknown_command": "update the agent on the device: it is older than this program",
    "version": "update the older of the two",
    "malformed": "update edgeq on both sides; if it stays, report it",
    "too_long": "the device takes less at once than was sent; update edgeq on both sides",
    "order": "update edgeq on both sides; if it stays, report it",
    "memory": "use a smaller model or free memory on the device; `edgeq plan` shows the exact bytes",
    "argument": "check the shape and type of the inputs with `edgeq inspect`",
    "name": "choose another with --name",
    "threads": "use fewer with --threads",
    "missing": "`edgeq status` lists what is installed; `edgeq deploy` installs",
    "busy": "wait until the other deploy has ended (after one that was interrupted: until what it had sent has arrived), then repeat",
    "full": "free space on the device, or remove models and unfinished uploads with `edgeq remove` (`edgeq status` lists both); "
    "nothing was changed",
    "io": "check the disk of the device; nothing was changed",
    "corrupt": "deploy the model again; the damaged file is replaced",
    "record": "`edgeq remove {name} -b {board}`, then deploy again",
    "counter": "remove the file {name}/counter from the store on the device, then repeat the command: its disk may be failing",
    "no_store": "set EDGEQ_STORE (on the device: --root) to a folder that the agent can make or write",
    "hash": "repeat the deploy; nothing was changed",
    "is_current": "roll back or deploy another version first; `edgeq remove {name} -b {board}` removes all",
    "foreign": "look at the store's folder on the device, and move away what edgeq did not put there",
    "failed_before": "make the file again, or install it without --once to try once more",
    "host_gone": "repeat the command; nothing was changed",
    "no_previous": "a rollback needs two sound versions on the device",
    "denied": "give the user of the agent the right to read and write the store, or choose another with EDGEQ_STORE",
    "read_only": "mount it writable (on the device: mount -o remount,rw), or choose another store with EDGEQ_STORE there",
    "model": "make the file again with edgeq quantize; nothing was changed",
    "selftest_failed": "this device computes something else than the file says: report it with the output of `edgeq status`",
    "selftest_crashed": "the previous version runs; report it with the output of `edgeq status`",
    "selftest_hung": "the previous version runs; give a slow device more time with --timeout",
    "no_variant": "`edgeq inspect` lists the variants of the file",
    "not_signed": "sign it with edgeq sign; `edgeq key list -b {board}` shows which keys the device takes",
    "unknown_key": "sign it with a key of the device (`edgeq key list -b {board}`), or enroll its key with edgeq key enroll",
    "bad_signature": "take the file from where it was signed, or sign it again",
    "older": "sign the file with a larger --counter; to go back to an earlier version, `edgeq rollback {name} -b {board}`",
    "proof": "give one of the device's keys (`edgeq key list -b {board}`) with --by, and repeat the command",
    "keys_file": "remove the file .keys from the store on the device, then enroll the key again: its disk may be failing",
    "not_verified": "build its firmware with signing, or erase its flash",
    "keys_full": "revoke one first: `edgeq key revoke ID -b {board} --by KEY`",
    "key": "`edgeq key list -b {board}` shows the keys of the device; edgeq key new makes one",
    "switch_failed": "check the disk of the device; the previous version runs",
    "rollback_failed": "check the disk of the device, then deploy again",
}
_CLASSES: dict[int, type[EdgeqError]] = {
    2: UsageError,
    3: BoardError,
    4: LinkError,
    5: RolledBackError,
    6: SignatureError,
    8: RollbackError,
}


def text_of(fault: str) -> str:
    """What a fault says, by its name."""
    return next(row.text for row in wire.faults().values() if row.name == fault)


def hint_of(fault: str, name: str = "", board: str = "") -> str:
    """What to do about it."""
    return _HINTS.get(fault, "").format(name=name or "NAME", board=shlex.quote(board) if board else "BOARD")


class Refused(Exception):
    """The device answered `error`; the method makes of it what the user sees."""

    def __init__(self, reply: wire.Reply) -> None:
        number = int(reply["fault"])
        self.fault = wire.faults().get(number, wire.Fault(number, f"fault_{number}", 4, f"the device reports fault {number}"))
        self.detail = int(reply["detail"])
        super().__init__(self.text)

    @property
    def name(self) -> str:
        return self.fault.name

    @property
    def text(self) -> str:
        if self.name in ("model", "argument") and self.detail:
            return f"{self.fault.text}: {native.library().eq_status_text(self.detail).decode('ascii')}"
        if self.name == "selftest_failed":
            return f"{self.fault.text} (sample {self.detail})"
        if self.name == "selftest_crashed" and self.detail:
            return f"{self.fault.text} (signal {self.detail})"
        return self.fault.text

    def error(self, what: str, name: str, board: str) -> EdgeqError:
        """`what` was being done, to the model `name` on `board`."""
        kind = ModelError if self.name == "model" else _CLASSES[self.fault.exit_code]
        return kind(f"{what}: {self.text}", hint_of(self.name, name, board))
