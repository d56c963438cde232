"""One device that a command works on."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host.boards import Board
from edgeq_host.transports import DEFAULT, Options


@dataclass(frozen=True)
class Target:
    """name: for people and for `board` in JSON: a device's name, the id of a board that is its own device, or an address.

    board: the kind of board, where somebody has said it; the device itself says what it is when it is asked.
    """

    name: str
    address: str
    board: Board | None = None
    options: Options = DEFAULT

    @property
    def source(self) -> str:
        """What figures from it are: "emulated" where the board is an emulator, else "measured"."""
        emulator = self.board is not None and self.board.link == self.address and self.board.evidence.kind == "emulated"
        return "emulated" if emulator else "measured"


def of_board(board: Board) -> Target:
    """A board that is its own device, such as `local`."""
    return Target(board.id, board.link, board)
