"""Text from outside, before it goes to a terminal."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """What a device says cannot move a terminal: control characters are written out, but for those of `keep`."""
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)
