"""Room that a deploy takes in a device's store, in the units of its file system: whole blocks, and files."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host.installed import Installed
from edgeq_host.probe import Place

AGENT_SPARE = 65536  # bytes that must be free beside the agent for it to be kept in a folder (bootstrap.py)


@dataclass(frozen=True)
class Room:
    """bytes: in whole blocks. files: with folders."""

    bytes: int
    files: int


def needed(store: Place | None, model: Installed | None, size: int, send: int, counted: bool) -> Room:
    """While a file of `size` bytes is installed, of which `send` are not there. counted: it is signed, for a device with keys. The log
    is not in it: a deploy does without."""
    block = store.block if store is not None and store.block else 1
    folders = (store.missing if store is not None else 0) + (model is None)
    lock = store is not None and store.lock == "none"
    records = 1 + (counted and (model is None or not model.counter))  # the new record lies beside the old one for a moment
    blocks = -(-size // block) - (size - send) // block + records
    if store is None or not store.in_memory:  # where folders take none of the room
        blocks += folders
    return Room(blocks * block, folders + lock + records + (send == size))


def of_agent(bytes_: int, store: Place | None, home: str) -> int:
    """Of the agent's bytes those that will lie on the store's file system once a deploy has kept it: it goes to the user's home where
    there is room, and elsewhere where there is none."""
    beside = store is not None and home not in ("", "/") and f"{store.path}/".startswith(f"{home.rstrip('/')}/")
    return bytes_ if store is not None and beside and store.free_bytes >= bytes_ + AGENT_SPARE else 0
