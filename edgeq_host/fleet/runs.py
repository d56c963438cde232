"""What a deploy to several devices has done so far, kept on this machine so that `--resume` finishes the rest."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeq_host import settings
from edgeq_host.deploy import board_name
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import write_file
from edgeq_host.files import read_text

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_BYTES = 64 << 20  # of a record
KEPT = 100  # runs; older ones are removed
LOST: dict[str, str] = {}  # why the record of a run is not complete, by its id


@dataclass
class Run:
    """schema edgeq.run-record/1. file: the pack, as it was when its SHA-256 was taken. states: of every device, as Outcome."""

    id: str
    file: str
    sha256: str
    name: str
    timeout_s: float
    states: dict[str, str] = field(default_factory=dict)
    keep: int = 0

    def note(self, device: str, state: str) -> None:
        """Durable before the next device is begun; where the disk does not take it, the devices go on all the same."""
        self.states[device] = state
        try:
            self.save()
        except (OSError, ModelError) as error:
            LOST[self.id] = str(error)

    def save(self) -> None:
        folder().mkdir(parents=True, exist_ok=True)
        write_file(_path(self.id), json.dumps({"schema": "edgeq.run-record/1", **asdict(self)}, indent=1).encode("utf-8"))

    def unfinished(self, good: str) -> list[str]:
        return [device for device, state in self.states.items() if state != good]


def folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "edgeq" / "runs"


def _path(run_id: str) -> Path:
    return folder() / f"{run_id}.json"


def begin(file: Path, sha256: str, name: str, timeout_s: float, devices: list[str], state: str, keep: int) -> Run:
    """A new record; the oldest beyond KEPT are removed."""
    run = Run(f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}", str(file.resolve()), sha256, name, timeout_s, keep=keep)
    run.states = dict.fromkeys(devices, state)
    try:
        run.save()
    except (OSError, ModelError) as error:
        text = f"the record of this run cannot be written to {folder()}: {error}"
        raise UsageError(text, "set XDG_STATE_HOME to a folder that you may write; nothing was sent") from error
    for old in sorted(folder().glob("*.json"), key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)
    return run


def read(run_id: str) -> Run:
    """UsageError where there is no such run, or its record is damaged."""
    known = [path.stem for path in sorted(folder().glob("*.json")) if _ID.fullmatch(path.stem)]
    if run_id not in known:
        raise UsageError(f"there is no run {run_id!r}", f"the last runs: {', '.join(known[-5:]) or 'none'} (in {folder()})")
    try:
        table: dict[str, Any] = json.loads(read_text(_path(run_id), MAX_BYTES))
        table.pop("schema")
        run = Run(**table)
        os.fsencode(run.file)
        "".join([run.name, *run.states]).encode("utf-8")
        board_name(Path(run.file), run.name)
        sound = _sound(run) and run.id == run_id
    except (UsageError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(run_id) from error
    if not sound:
        raise _damaged(run_id)
    return run


def _sound(run: Run) -> bool:
    """Whether its values are of a kind that a run can have."""
    return (
        "\0" not in run.file
        and _SHA256.fullmatch(run.sha256) is not None
        and type(run.timeout_s) in (int, float)
        and 0 < run.timeout_s <= sys.float_info.max
        and type(run.keep) is int
        and 0 <= run.keep <= settings.LIMITS["keep"][1]
        and all(isinstance(state, str) for state in run.states.values())
    )


def _damaged(run_id: str) -> UsageError:
    return UsageError(f"the record of run {run_id} in {folder()} is damaged", "name the file and the devices instead")
