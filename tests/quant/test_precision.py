"""The grammar of precisions, and which of them can be made."""

from __future__ import annotations

import pytest

from edgeq_host.errors import UsageError
from edgeq_host.quant import precision
from edgeq_host.quant.precision import ACTIVATIONS, WEIGHTS, parse, parse_list
from edgeq_runtime import packing


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("int8", "int8"),
        ("w8a8", "int8"),
        ("INT8", "int8"),
        (" w8a8 ", "int8"),
        ("W4A8", "w4a8"),
        ("Ternary", "ternary"),
        ("float32", "float32"),
    ],
)
def test_a_precision_has_one_name(text: str, name: str) -> None:
    assert parse(text).name == name


@pytest.mark.parametrize("activations", ACTIVATIONS)
@pytest.mark.parametrize("weights", range(1, 9))
def test_every_width_of_weights_stands_with_every_width_of_activations(weights: int, activations: int) -> None:
    found = parse(f"w{weights}a{activations}")
    assert found.weights == WEIGHTS[str(weights)] and found.activations == activations
    assert parse(found.name) == found


def test_integers_of_every_width_fit_what_they_are_stored_in() -> None:
    for kind in WEIGHTS.values():
        low, high = packing.bounds(kind.dtype)
        assert low <= kind.low < kind.high <= high and kind.high - kind.low <= 1 << kind.bits
    stored = {name: kind.dtype for name, kind in WEIGHTS.items()}
    assert [stored[str(bits)] for bits in range(1, 9)] == ["b1", "s2", "s4", "s4", "s8", "s8", "s8", "s8"] and stored["ternary"] == "s2"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("int4", "w4a8 or w4a4?"),
        ("int2", "w2a8 or w2a2?"),
        ("fp16", "w<weight bits>a<activation bits>"),
        ("w9a8", "w<weight bits>a<activation bits>"),
        ("w0a8", "w<weight bits>a<activation bits>"),
        ("w4a3", "w<weight bits>a<activation bits>"),
        ("w4", "w<weight bits>a<activation bits>"),
        ("", "w<weight bits>a<activation bits>"),
        ("w4a8,", "w<weight bits>a<activation bits>"),
        ("int8,w8a8", "int8 is named twice"),
    ],
)
def test_what_is_no_precision_is_refused_with_what_is(text: str, answer: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_list(text)
    assert answer in error.value.message + error.value.hint


def test_activations_that_cannot_be_made_are_refused_with_their_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "ACTIVATIONS", {8: 256})
    for text, bits in (("w4a4", 4), ("w1a1", 1), ("binary", 1), ("w8a16", 16)):
        with pytest.raises(UsageError, match=f"activations of {bits} bits cannot be made") as error:
            parse(text)
        assert "binary" not in error.value.hint and "a8" in error.value.hint


def test_several_precisions_keep_their_order() -> None:
    assert [p.name for p in parse_list("w4a8, int8,ternary")] == ["w4a8", "int8", "ternary"]
