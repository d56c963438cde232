"""A body whose hash is right but whose contents are hostile: one status per cause, from the checks of SPEC.md 3.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.container import pack
from edgeq_runtime import lists, native
from tests.runtime.models import body_of, branches, sealed, with_selftest

FORMAT, UNSUPPORTED, SHAPE, ALIGNMENT = -5, -6, -7, -8
Change = Callable[[Any], None]


def opened(data: bytes) -> Any:
    return eqm.ModelT.InitFromObj(eqm.Model.GetRootAs(bytearray(data), 0))


def tables() -> Any:
    return opened(with_selftest(branches(), (1,)))


def status_of(model: Any) -> int:
    """Of checking and opening what the tables say."""
    try:
        native.Model(pack(model))
    except native.Error as error:
        return error.status
    return 0


def test_the_tables_unchanged_are_taken() -> None:
    assert status_of(tables()) == 0


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def set_field(path: str, value: Any) -> Change:
    """path: "variants.0.tensors.1.offset", from the model."""

    def change(model: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            model = model[int(step)] if step.isdigit() else getattr(model, step)
        if last.isdigit():
            model[int(last)] = value
        else:
            setattr(model, last, value)

    return change


# Tensors of `branches` in the order of the file: 0 x, 1 r (with x), 2 c (constant), 3 m, 4 b (with m), 5 y.
T = "variants.0.tensors."
O = "variants.0.operators."  # noqa: E741
CHANGES: dict[str, tuple[Change, int]] = {
    "no variant": (set_field("variants", []), FORMAT),
    "no output": (set_field("outputs", []), FORMAT),
    "alignment of 8": (set_field("alignment", 8), FORMAT),
    "fewer inputs than the model": (set_field("variants.0.inputs", ints()), FORMAT),
    "more inputs than the model": (set_field("variants.0.inputs", ints(0, 0)), FORMAT),
    "input index past the end": (set_field("variants.0.inputs", ints(6)), FORMAT),
    "input index negative": (set_field("variants.0.inputs", ints(-1)), FORMAT),
    "output is a constant": (set_field("variants.0.outputs", ints(2)), FORMAT),
    "output is never made": (set_field("variants.0.operators", []), FORMAT),
    "rank of seven": (set_field(T + "0.shape", ints(1, 1, 1, 1, 2, 3, 4)), FORMAT),
    "dimension of zero": (set_field(T + "0.shape", ints(1, 2, 3, 0)), FORMAT),
    "dimension below zero": (set_field(T + "0.shape", ints(-1, -2, 3, 4)), FORMAT),
    "2^31 elements": (set_field(T + "0.shape", ints(1, 1 << 15, 1 << 15, 2)), FORMAT),
    "2^64 elements": (set_field(T + "0.shape", ints(1 << 16, 1 << 16, 1 << 16, 1 << 16)), FORMAT),
    "2^31 bytes": (set_field(T + "0.shape", ints(1, 1 << 10, 1 << 10, 1 << 9)), FORMAT),
    "edge of another shape": (set_field("inputs.0.shape", ints(1, 4, 3, 2)), FORMAT),
    "edge of another rank": (set_field("inputs.0.shape", ints(4, 2, 3)), FORMAT),
    "permutation with a repeat": (set_field("inputs.0.permutation", ints(0, 2, 2, 1)), FORMAT),
    "permutation out of range": (set_field("inputs.0.permutation", ints(0, 2, 4, 1)), FORMAT),
    "permutation negative": (set_field("inputs.0.permutation", ints(0, 2, -1, 1)), FORMAT),
    "permutation too short": (set_field("inputs.0.permutation", ints(0, 2)), FORMAT),
    "edge type unknown": (set_field("inputs.0.type", 77), FORMAT),
    "tensor type unknown": (set_field(T + "0.type", 77), UNSUPPORTED),
    "tensor type absent": (set_field(T + "0.type", 0), UNSUPPORTED),
    "scale negative": (set_field(T + "0.scale", -1.0), FORMAT),
    "scale NaN": (set_field(T + "0.scale", float("nan")), FORMAT),
    "scale infinite": (set_field(T + "0.scale", float("inf")), FORMAT),
    "scale denormal": (set_field(T + "0.scale", 1e-40), FORMAT),
    "zero point of 128": (set_field(T + "0.zero", 128), FORMAT),
    "offset past the arena": (set_field(T + "3.offset", 1 << 20), FORMAT),
    "offset that wraps": (set_field(T + "3.offset", (1 << 32) - 16), FORMAT),
    "offset not a multiple of 16": (set_field(T + "3.offset", 8), ALIGNMENT),
    "arena larger than used": (set_field("variants.0.activationBytes", 1 << 20), FORMAT),
    "arena smaller than used": (set_field("variants.0.activationBytes", 96), FORMAT),
    "buffer index past the end": (set_field(T + "2.buffer", 99), FORMAT),
    "buffer index below none": (set_field(T + "2.buffer", -2), FORMAT),
    "buffer longer than its tensor": (set_field("buffers.0.data", np.zeros(17, np.uint8)), FORMAT),
    "buffer shorter than its tensor": (set_field("buffers.0.data", np.zeros(15, np.uint8)), FORMAT),
    "operator unknown": (set_field(O + "1.op", 4000), UNSUPPORTED),
    "operator without an id": (set_field(O + "1.op", 0), UNSUPPORTED),
    "attribute missing": (set_field(O + "1.attributes", ints(0)), FORMAT),
    "attribute too many": (set_field(O + "1.attributes", ints(0, 0, 0)), FORMAT),
    "attributes where there are none": (set_field(O + "0.attributes", ints(1)), FORMAT),
    "input missing": (set_field(O + "1.inputs", ints(1)), FORMAT),
    "input too many": (set_field(O + "1.inputs", ints(1, 2, 2)), FORMAT),
    "no output of an operator": (set_field(O + "1.outputs", ints()), FORMAT),
    "two outputs of an operator": (set_field(O + "1.outputs", ints(3, 4)), FORMAT),
    "writes a constant": (set_field(O + "1.outputs", ints(2)), FORMAT),
    "reads a tensor past the end": (set_field(O + "1.inputs", ints(1, 6)), FORMAT),
    "reads a negative tensor": (set_field(O + "1.inputs", ints(-1, 2)), FORMAT),
    "reads what a later operator makes": (set_field(O + "1.inputs", ints(5, 2)), FORMAT),
    "reads what it writes": (set_field(O + "1.inputs", ints(3, 2)), FORMAT),
    "writes over what it reads": (set_field(T + "3.offset", 0), FORMAT),
    "writes over what is read later": (set_field(T + "3.offset", 16), FORMAT),
    "reshape that shares its place in part": (set_field(T + "1.offset", 16), FORMAT),
    "shapes that do not fit": (set_field(T + "3.shape", ints(4, 6)), SHAPE),
    "self-test without inputs": (set_field("variants.0.selftest.inputs", ints()), FORMAT),
    "self-test with an output too few": (set_field("variants.0.selftest.outputs", ints(1)), FORMAT),
    "self-test with a seed too many": (set_field("variants.0.selftest.seeds", np.array([1, 2], np.uint32)), FORMAT),
    "self-test with the wrong buffer": (set_field("variants.0.selftest.inputs", ints(0)), FORMAT),
    "self-test with no buffer": (set_field("variants.0.selftest.outputs", ints(1, -1)), FORMAT),
}


@pytest.mark.parametrize("cause", CHANGES)
def test_a_hostile_table_is_refused_with_the_status_of_its_cause(cause: str) -> None:
    change, want = CHANGES[cause]
    model = tables()
    change(model)
    assert status_of(model) == want


def test_a_buffer_that_is_not_aligned_is_refused() -> None:
    """A file for 16 bytes whose field is changed to 64, with its buffers where 64 would not put them."""
    constant = branches().tensors["c"].data
    assert constant is not None
    model = tables()
    model.alignment = 16
    for length in range(64):
        model.name = "n" * length
        data = bytearray(pack(model))
        if data.find(constant.tobytes()) % 64:
            break
    table = eqm.Model.GetRootAs(data, 0)._tab
    data[table.Pos + table.Offset(6)] = 64
    with pytest.raises(native.Error) as caught:
        native.check(sealed(body_of(bytes(data))))
    assert caught.value.status == ALIGNMENT


def test_a_chain_too_long_to_check_is_refused_in_bounded_time() -> None:
    """60,000 operators that share one table each read a value from far back."""
    model = tables()
    variant = model.variants[0]
    variant.operators = [variant.operators[0]] * 2 + [variant.operators[1]] * 3000
    variant.operators += [variant.operators[0]] * 3000
    assert status_of(model) in (FORMAT, UNSUPPORTED)


def test_every_operator_of_the_list_is_known_to_the_core() -> None:
    for op in lists.ops().values():
        model = tables()
        model.variants[0].operators[1].op = op.id
        assert status_of(model) in (0, FORMAT, SHAPE, UNSUPPORTED)
