"""protocol.def, parsed: the messages and faults of the link as Python values."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgeq_host.text import printable
from edgeq_runtime import lists

_PROTOCOL = re.compile(r"^EQ_PROTOCOL\((\d+), (\d+)\)$", re.M)
_FAULT = re.compile(r'^EQ_FAULT\((\d+), (\w+), (\d+), "([^"]*)"\)$', re.M)
_EVENT = re.compile(r'^EQ_EVENT\((\d+), (\w+), "([^"]*)"\)$', re.M)
_MESSAGE = re.compile(r"^EQ_MESSAGE\((\d+), (\w+), (.*)\)$", re.M)
_SIGNAL = re.compile(r"^EQ_SIGNAL\((\d+), (\w+)\)$", re.M)
_FIELD = re.compile(r"EQ_(?:F|ADDED)\((\w+), (\w+)\)")
_ADDED = re.compile(r"EQ_ADDED\(\w+, (\w+)\)")
_FIXED = {"u8": "<B", "u16": "<H", "u32": "<I", "i32": "<i", "u64": "<Q", "f32": "<f", "hash": "<32s", "dims": "<6i"}
HEAD = struct.Struct("<HI")
DATA_OVERHEAD = 32  # more than the fields beside the blob of any message


@dataclass(frozen=True)
class Fault:
    id: int
    name: str
    exit_code: int
    text: str


@dataclass(frozen=True)
class Event:
    """What the log of a store says has happened."""

    id: int
    name: str
    text: str


@dataclass(frozen=True)
class Message:
    """A kind of message: `fields` are (type, name); those in `added` came with a later minor version."""

    id: int
    name: str
    fields: tuple[tuple[str, str], ...]
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reply:
    """One message that came."""

    name: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


@cache
def _text() -> str:
    return (lists.CSRC / "agent" / "protocol.def").read_text(encoding="utf-8")


@cache
def protocol() -> tuple[int, int]:
    """Version of the protocol: major, minor."""
    found = _PROTOCOL.search(_text())
    assert found is not None, "protocol.def has no EQ_PROTOCOL row"
    return int(found[1]), int(found[2])


@cache
def faults() -> dict[int, Fault]:
    return {int(i): Fault(int(i), name, int(code), text) for i, name, code, text in _FAULT.findall(_text())}


@cache
def events() -> dict[int, Event]:
    return {int(i): Event(int(i), name, text) for i, name, text in _EVENT.findall(_text())}


def _row(number: int, name: str, fields: str) -> Message:
    return Message(number, name, tuple(_FIELD.findall(fields)), frozenset(_ADDED.findall(fields)))


@cache
def messages() -> dict[str, Message]:
    rows = [_row(int(i), name, fields) for i, name, fields in _MESSAGE.findall(_text())]
    rows += [Message(int(i), name, ()) for i, name in _SIGNAL.findall(_text())]
    return {row.name: row for row in rows}


@cache
def _by_id() -> dict[int, Message]:
    return {row.id: row for row in messages().values()}


def _encode_field(kind: str, value: Any) -> bytes:
    if kind == "blob":
        return bytes(value)
    if kind == "text":
        raw: bytes = value.encode("utf-8")
        if len(raw) > 255:
            raise ValueError(f"text of {len(raw)} bytes, at most 255")
        return bytes([len(raw)]) + raw
    return struct.pack(_FIXED[kind], *value) if kind == "dims" else struct.pack(_FIXED[kind], value)


def encode(name: str, /, **values: Any) -> bytes:
    """Header and fields of one message."""
    row = messages()[name]
    assert set(values) == {field for _, field in row.fields}, f"{name} has other fields than {sorted(values)}"
    body = b"".join(_encode_field(kind, values[field]) for kind, field in row.fields)
    return HEAD.pack(row.id, len(body)) + body


def decode(number: int, body: bytes) -> Reply:
    """ValueError where the bytes are no message that we know. Fields after those that we know are passed over; those that an older
    peer does not send are zero or empty."""
    row = _by_id().get(number)
    if row is None:
        raise ValueError(f"message {number} is not known")
    values: dict[str, Any] = {}
    at = 0
    for kind, field in row.fields:
        if field in row.added and at == len(body):
            body += bytes(_size(kind, b"", 0))
        size = _size(kind, body, at)
        part = body[at : at + size]
        if len(part) != size:
            raise ValueError(f"message {row.name} ends inside its field {field}")
        at += size
        values[field] = _decode_field(kind, part)
    return Reply(row.name, values)


def _size(kind: str, body: bytes, at: int) -> int:
    if kind == "blob":
        return len(body) - at
    if kind == "text":
        return 1 + body[at] if at < len(body) else 1
    return struct.calcsize(_FIXED[kind])


def _decode_field(kind: str, part: bytes) -> Any:
    if kind == "blob":
        return part
    if kind == "text":
        return printable(part[1:].decode("utf-8", "replace"))
    unpacked = struct.unpack(_FIXED[kind], part)
    return unpacked if kind == "dims" else unpacked[0]
