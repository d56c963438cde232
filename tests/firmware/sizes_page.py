"""The table of images in docs/firmware.md: `python -m tests.firmware.sizes_page` builds them all and writes it anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edgeq_host.boards import all_boards
from edgeq_runtime import build, firmware

PAGE = Path(__file__).parents[2] / "docs" / "firmware.md"
HEAD = "| firmware | board | core | flash | RAM | stack at most |\n|---|---|---|---|---|---|\n"
_ROW = re.compile(r"^\| `(\w+)` \| .* \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.M)


def built(port: str) -> tuple[int, int, int]:
    """Bytes of flash, RAM and stack of a port's image, which is built."""
    took = json.loads(build.image(port).with_name("edgeq.size.json").read_text(encoding="utf-8"))
    return took["flash_bytes"], took["ram_bytes"], took["stack_bytes"]


def shown() -> dict[str, tuple[int, int, int]]:
    """What the page says, by port."""
    table = PAGE.read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]
    return {port: (number(a), number(b), number(c)) for port, a, b, c in _ROW.findall(table)}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def table() -> str:
    names = {board.firmware: board.name for board in all_boards() if board.firmware}
    rows = []
    for port in firmware.ports().values():
        sizes = " | ".join(f"{size:,}" for size in built(port.name))
        rows.append(f"| `{port.name}` | {names[port.name]} | {port.core} | {sizes} |\n")
    return HEAD + "".join(rows)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(HEAD)
    _, _, after = rest.partition("\n\n")
    PAGE.write_text(f"{before}{table()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
