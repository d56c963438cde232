"""The store on flash as bytes: SPEC.md section 5.8, written a second time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeq_runtime import native

HEAD, STATE, UPLOAD, KEYS, EVENT = range(0xE500, 0xE505)
_STATE, _VERSION = struct.Struct("<64sIII4xQ32s"), struct.Struct("<IIQ32s")
_UPLOAD, _EVENT = struct.Struct("<64s4xIQ32sI4x"), struct.Struct("<I4xQBxHiII32s64s")


@dataclass(frozen=True)
class Layout:
    """Bytes of an area and of a unit, and of the whole part."""

    area: int
    unit: int
    size: int


@dataclass(frozen=True)
class Named:
    """versions: number, place, bytes, SHA-256."""

    next: int
    keep: int
    counter: int
    counter_sha256: bytes
    versions: tuple[tuple[int, int, int, bytes], ...]

    def pack(self, name: str) -> bytes:
        head = _STATE.pack(name.encode(), self.next, self.keep, len(self.versions), self.counter, self.counter_sha256)
        return head + b"".join(_VERSION.pack(*version) for version in self.versions)


@dataclass
class Found:
    """upload: name, place, bytes, SHA-256, done. events: number, event, name, version, fault."""

    states: dict[str, Named] = field(default_factory=dict)
    upload: tuple[str, int, int, bytes, int] | None = None
    keys: bytes = b""
    events: list[tuple[int, int, str, int, int]] = field(default_factory=list)


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode()


def _crc(number: int, offset: int, kind: int, content: bytes) -> int:
    return native.crc32c(struct.pack("<IIHH", number, offset, len(content), kind) + content)


def _head(layout: Layout, number: int) -> bytes:
    return struct.pack("<II", number, native.crc32c(struct.pack("<III", layout.area, layout.unit, layout.size)))


def record(layout: Layout, number: int, offset: int, kind: int, content: bytes) -> bytes:
    raw = struct.pack("<HHI", kind, len(content), _crc(number, offset, kind, content)) + content
    return raw + bytes(-len(raw) % layout.unit)


def area(layout: Layout, number: int, *records: tuple[int, bytes]) -> bytes:
    """An area with its head."""
    raw = b""
    for kind, content in ((HEAD, _head(layout, number)), *records):
        raw += record(layout, number, len(raw), kind, content)
    return raw + b"\xff" * (layout.area - len(raw))


def _records(layout: Layout, raw: bytes, number: int) -> Iterator[tuple[int, bytes]]:
    for at in range(0, layout.area, layout.unit):
        kind, size, crc = struct.unpack_from("<HHI", raw, at)
        content = raw[at + 8 : at + 8 + size]
        if HEAD <= kind <= EVENT and len(content) == size and crc == _crc(number, at, kind, content):
            yield kind, content


def _in_use(layout: Layout, image: bytes) -> tuple[bytes, int] | None:
    found: tuple[bytes, int] | None = None
    for raw in (image[: layout.area], image[layout.area : 2 * layout.area]):
        number = struct.unpack_from("<I", raw, 8)[0]
        first = next(_records(layout, raw, number), None)
        if first == (HEAD, _head(layout, number)) and (found is None or 0 < (number - found[1]) % 2**32 < 2**31):
            found = raw, number
    return found


def read(layout: Layout, image: bytes) -> Found:
    found, used = Found(), _in_use(layout, image)
    for kind, content in _records(layout, *used) if used else ():
        if kind == STATE:
            name, next_, keep, count, counter, digest = _STATE.unpack_from(content)
            versions = tuple(_VERSION.unpack_from(content, _STATE.size + i * _VERSION.size) for i in range(count))
            found.states[_text(name)] = Named(next_, keep, counter, digest, versions)
            if found.upload and found.upload[1] in [place for _, place, _, _ in versions]:
                found.upload = None
        elif kind == UPLOAD:
            name, place, size, digest, done = _UPLOAD.unpack(content)
            found.upload = (_text(name), place, size, digest, done) if size else None
        elif kind == KEYS:
            found.keys = content
        elif kind == EVENT:
            number, _, event, fault, _, version, _, _, name = _EVENT.unpack(content)
            found.events.append((number, event, _text(name), version, fault))
    found.states = {name: state for name, state in found.states.items() if state.versions or state.counter}
    return found
