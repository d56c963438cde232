"""Text from outside: before it goes to a terminal, and what was perhaps meant by it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LEAST = 3  # letters of a word that is looked for inside others


def printable(text: str, keep: str = "") -> str:
    """What a device says cannot move a terminal: control characters are written out, but for those of `keep`."""
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def near(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """What was perhaps meant: words that are like it, else those in which its letters come in their order, as rpi5 in raspberrypi5."""
    words = list(known)
    inside = [other for other in words if len(word) >= _LEAST and _in_order(word, other)]
    return difflib.get_close_matches(word, words, most) or sorted(inside, key=lambda other: (len(other), other))[:most]


def _in_order(letters: str, word: str) -> bool:
    rest = iter(word)
    return all(letter in rest for letter in letters)
