"""A board file to begin with: every key with its comment, filled as far as something is known."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import tomli_w

from edgeq_host import __version__
from edgeq_host.boards import examine
from edgeq_host.errors import UsageError
from edgeq_host.export import write_new

# Key, its comment, and what stands behind it where nothing is known: a key that is required, or None, an example in the comment.
_CHIPS = "a file of chips/ here or one that edgeq ships: generic_aarch64, generic_armv7, generic_x86_64, bcm2711, ..."
_ALARM = {"name": "under-voltage", "hwmon": "rpi_volt", "file": "in0_lcrit_alarm"}
_POWER = {"kind": "ina3221", "rails": ["VDD_IN"], "total": ["VDD_IN"]}
_ROWS: tuple[tuple[str, str, Any, Any], ...] = (
    ("id", "the stem of this file", None, None),
    ("name", "for people", "My board", None),
    ("family", "boards that one name stands for", None, "myboards"),
    ("chip", _CHIPS, "generic_aarch64", None),
    ("match", "compatible strings of /proc/device-tree/compatible, any one is enough; * stands for anything", None, ["vendor,board"]),
    ("cores", "where the board has not all cores of the chip", None, [{"name": "Cortex-A53", "counts": [4]}]),
    ("memory_bytes", "sizes that it is sold with", None, [1 << 30]),
    ("thermal_zones", "types of /sys/class/thermal/thermal_zone*", None, ["cpu-thermal"]),
    ("power_modes", "the tool that sets them", None, "nvpmodel"),
    ("systems", "operating systems that run there", None, [{"name": "Debian 12", "glibc": "2.36", "python": "3.11"}]),
    ("note", "what a user should know", None, "power comes over USB"),
    ("alarms", "files of a hwmon device that hold 1 while something is wrong", None, [_ALARM]),
    ("power", "sensors; total: the rails whose sum is the whole, none inside another", None, [_POWER]),
)


def _value(value: Any) -> str:
    """TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return tomli_w.dumps({"x": value}).partition("= ")[2].strip()


def render(board_id: str, known: Mapping[str, Any] | None = None, remarks: Sequence[str] = (), how: str = "nothing has run yet") -> str:
    """The text of a board file. known: keys that were found out. remarks: of what is left to do. how: for the evidence."""
    facts = {"id": board_id, **(known or {})}
    lines = ["# A kind of board. boards/README.md of edgeq has the table of keys; `edgeq boards validate` checks this file."]
    lines += [f"# {remark}" for remark in remarks]
    for key, comment, default, example in _ROWS:
        value = facts.get(key, default)
        shown = f"{key} = {_value(value)}" if value is not None else f"# {key} = {_value(example)}"
        lines += ["", f"# {comment}", shown]
    evidence = {"kind": "built", "date": date.today().isoformat(), "version": __version__, "how": how}
    lines += ["", "# silicon: run on the board; emulated: run in an emulator; built: neither; data: only described", "[evidence]"]
    return "\n".join([*lines, *(f"{key} = {_value(value)}" for key, value in evidence.items())]) + "\n"


def write(path: Path, text: str) -> None:
    """A new file, whole or not at all. UsageError where one is there, or where `text` is no sound board file under that name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
            fresh = Path(folder) / path.name
            fresh.write_text(text, encoding="utf-8")
            found = examine(fresh)
            if found:
                raise UsageError(f"{path}: {found[0].text}", found[0].hint)
        write_new(path, text.encode("utf-8"))
    except FileExistsError:
        raise UsageError(f"{path} is there already", "choose another id or another file with -o; nothing was changed") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", "choose another place with -o") from error
