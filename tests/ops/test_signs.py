"""Products of signs: sizes drawn at random, what is refused, and what lies in the words of an activation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.export import Bundle, Variant, prepack, to_bytes, unpack
from edgeq_host.graph import Edge, Graph, Node, Tensor
from edgeq_host.session import Session
from edgeq_runtime import lists, native, packing
from tests.core import isa_masks
from tests.ops.cases import cases_of, hostile, signs
from tests.ops.cases.base import Case
from tests.ops.compare import difference
from tests.ops.runner import graph_of, model_bytes, run_core, run_reference
from tests.ops.test_refusals import FORMAT, SHAPE, UNSUPPORTED, accepted, status_of
from tests.reference import run_graph

PRODUCTS = ("conv2d_b1", "fully_connected_b1")


def to_s8(op: str) -> Case:
    """The largest case with an int8 output."""
    return max((c for c in cases_of(op) if c.dtype == "s8"), key=lambda c: c.inputs[1].size)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 80))])
def test_convolutions_of_any_size_equal_the_reference(seed: int) -> None:
    rng, wrong = np.random.default_rng(seed), []
    for _ in range(150):
        case = signs.random_conv(rng)
        want, data = run_reference("conv2d_b1", case), model_bytes("conv2d_b1", case)
        found = ((isas, difference(want, run_core(data, case, isas))) for isas in isa_masks())
        wrong += [f"isas {isas:b}, {case.label}: {problem}" for isas, problem in found if problem]
    assert wrong == []


@pytest.mark.parametrize("op", PRODUCTS)
def test_channel_parameters_out_of_their_range_are_refused(op: str) -> None:
    assert accepted(op, hostile.bad_blobs(to_s8(op), 2)) == []


@pytest.mark.parametrize("op", PRODUCTS)
def test_sums_that_could_leave_32_bits_are_refused_and_the_largest_are_exact(op: str) -> None:
    for case in (to_s8(op), replace(to_s8(op), label="odd" * len(to_s8(op).label))):
        assert accepted(op, [signs.with_bias(case, -1)]) == []
        exact = signs.with_bias(case, 0)
        assert difference(run_reference(op, exact), run_core(model_bytes(op, exact), exact, 1)) is None


@pytest.mark.parametrize(("shape", "to"), [((3, 5), (15,)), ((2, 33), (66,)), ((2, 33), (3, 22)), ((64,), (2, 2, 16)), ((1, 96), (2, 48))])
def test_a_reshape_that_would_move_bits_is_refused(shape: tuple[int, ...], to: tuple[int, ...]) -> None:
    x = np.ones(shape, np.int8)
    assert accepted("reshape", [Case("bits", {}, (x,), to, "b1", stored={0: "b1"})]) == []


@pytest.mark.parametrize("op", ["transpose", "concat", "slice", "pad", "expand"])
def test_operators_that_move_bytes_refuse_signs(op: str) -> None:
    """Rows of one and four signs have bytes that could be taken for those of one element."""
    for shape in ((2, 1), (2, 4), (3, 32)):
        attrs = {"perm": [0, 1, 0, 0, 0, 0], "axis": 0, "begin": [0] * 6, "step": [1] * 6, "mode": 0, "value": 0}
        attrs |= {"before": [0] * 6, "after": [0] * 6}
        fields = {f: v for f, v in attrs.items() if f in cases_of(op)[0].attrs}
        assert status_of(op, Case("signs", fields, (np.ones(shape, np.int8),), shape, "b1", stored={0: "b1"})) == UNSUPPORTED


@pytest.mark.parametrize("op", ["unpack_s8", *PRODUCTS])
def test_signs_in_the_file_are_refused_where_rows_of_words_are_read(op: str) -> None:
    """Constants lie bit after bit."""
    case = min(cases_of(op), key=lambda c: (0 not in c.stored, c.inputs[0].size))
    graph = graph_of(op, case)
    node = next(n for n in graph.nodes if n.op == op)
    tensors = graph.tensors | {"in0": replace(graph.tensors["in0"], data=case.inputs[0]), "same": Tensor("same", (3,), "s8")}
    tensors["x"] = Tensor("x", (3,), "s8")
    nodes = [n for n in graph.nodes if n.op != "sign_b1"] + [Node("clip_s8", "clip", ("x",), ("same",), {"lo": -9, "hi": 9})]
    edges = [Edge(name, name, (3,), (0,), "s8") for name in ("x", "same")]
    with pytest.raises(native.Error) as caught:
        Session(Graph(op, tensors, nodes, edges[:1], [*graph.outputs, edges[1]]))
    assert caught.value.status in (FORMAT, UNSUPPORTED, SHAPE) and node in nodes


def test_bits_beyond_a_row_are_zero_and_every_activation_equals_the_reference() -> None:
    rng = np.random.default_rng(5)
    tensors = {"x": Tensor("x", (2, 3, 3, 40), "s8"), "signs": Tensor("signs", (2, 3, 3, 40), "b1"), "y": Tensor("y", (2, 3, 3, 45), "b1")}
    tensors |= {"z": Tensor("z", (2, 3, 3, 45), "s8"), "t": Tensor("t", (40,), "s16", np.zeros(40, np.int16))}
    tensors["f"] = Tensor("f", (40,), "b1", signs.fill(rng, (40,), "random"))
    tensors["w"] = Tensor("w", (45, 3, 3, 40), "b1", signs.fill(rng, (45, 3, 3, 40), "random"))
    tensors["limits"] = Tensor("limits", (45,), "s32", signs.thresholds(rng, 45, 360))
    attrs = dict.fromkeys(("stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left", "pad_bottom", "pad_right"), 1)
    nodes = [
        Node("sign_b1", "sign", ("x", "t", "f"), ("signs",), {}),
        Node("conv2d_b1", "conv", ("signs", "w", "limits"), ("y",), attrs | {"y_zero": 0, "lo": -128, "hi": 127}),
        Node("unpack_s8", "unpack", ("y",), ("z",), {"plus": 3, "minus": -5}),
    ]
    graph = Graph(
        "signs", tensors, nodes, [Edge("x", "x", (2, 3, 3, 40), (0, 1, 2, 3), "s8")], [Edge("z", "z", (2, 3, 3, 45), (0, 1, 2, 3), "s8")]
    )
    x = rng.integers(-128, 128, (2, 3, 3, 40)).astype(np.int8)
    want = run_graph(graph, {"x": x})
    for isas in isa_masks():
        session = Session(graph, keep_all=True, isas=isas)
        session.run(x)
        assert {name: difference(want[name], session.tensor(name)) for name in session.names()} == dict.fromkeys(session.names())
        for name, row in (("signs", 40), ("y", 45)):
            words = np.frombuffer(bytes(session.model.tensor_bytes(session._places()[name])), "<u4").reshape(-1, 2)
            assert not (words[:, 1] >> (row - 32)).any()
        assert {t.dtype for t in session.model.tensors()} == {"s8", "b1", "s16", "s32"}


def test_rows_of_signs_are_unpacked_from_whole_words() -> None:
    assert packing.unpack_rows(bytes([0b101, 0, 0, 0, 0b010, 0, 0, 0]), (2, 3)).tolist() == [[-1, 1, -1], [1, -1, 1]]
    with pytest.raises(ValueError, match="takes 16 bytes, found 15"):
        packing.unpack_rows(bytes(15), (2, 33))


def by_layout(w: np.ndarray, layout: list[int]) -> bytes:
    """The weights of a convolution of signs as SPEC.md 3.5 says that they lie packed."""
    bits, groups, channels, nr, kr, parts, k = layout
    taps, depth = w.shape[1] * w.shape[2], w.shape[3]
    rows = np.zeros((channels, taps, -(-depth // 32) * 32), np.uint8)
    rows[:, :, :depth] = (w < 0).reshape(channels, taps, depth)
    steps = -(-k // (8 * kr))
    packed = np.zeros((-(-channels // nr) * nr, parts, steps * 8 * kr), np.uint8)
    packed[:channels, :, :k] = rows.reshape(channels, parts, k)
    blocks = packed.reshape(-1, nr, parts, steps, 8 * kr).transpose(0, 2, 3, 1, 4)
    data = np.packbits(blocks, axis=-1, bitorder="little").tobytes()
    assert (bits, groups) == (1, 1)
    return data + bytes(-len(data) % 64)


@pytest.mark.parametrize("image", [(1, 4, 5, 32), (1, 3, 4, 70), (1, 5, 3, 128)])
def test_packed_weights_lie_as_the_specification_says_and_are_used(image: tuple[int, int, int, int]) -> None:
    case = signs.conv(np.random.default_rng(4), signs.G(image, 41, (3, 3), pad=(1, 1, 1, 1)), ("random", "random"), True)
    names = [name for name in lists.isas() if any((k.types, k.isa) == ("b1_b1_b1", name) and k.kr for k in lists.kernels())]
    plain = model_bytes("conv2d_b1", case)
    data = prepack(unpack(plain, "signs"), names)
    found = next(o.packed for o in unpack(data, "signs").variants[0].operators if o.packed)
    assert [entry.isa.decode() for entry in found] == names
    buffers = unpack(data, "signs").buffers
    for entry in found:
        assert bytes(buffers[entry.buffer].data) == by_layout(case.inputs[1], [int(v) for v in entry.layout])
    for name in set(names) & set(native.isas()):
        mask = 1 << native.isas()[name]
        model = native.Model(data, isas=mask)
        assert any(op.packing.endswith("in the file") for op in model.ops())
        assert difference(run_reference("conv2d_b1", case), run_core(data, case, mask)) is None


def residual(rng: np.random.Generator) -> Graph:
    """An int8 sum behind a product of signs, which writes over it."""
    shape = (1, 20, 21, 64)
    tensors = {name: Tensor(name, shape, dtype) for name, dtype in (("x", "s8"), ("signs", "b1"), ("y", "s8"), ("z", "s8"))}
    tensors["t"] = Tensor("t", (64,), "s16", np.zeros(64, np.int16))
    tensors["w"] = Tensor("w", (64, 3, 3, 64), "b1", signs.fill(rng, (64, 3, 3, 64), "random"))
    tensors["blob"] = Tensor("blob", (9 * 64,), "u8", signs.blob(rng, 64, 576))
    attrs = dict.fromkeys(("stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left", "pad_bottom", "pad_right"), 1)
    add = {"a_zero": 0, "b_zero": 3, "y_zero": -4, "a_mul": 20000, "b_mul": 15000, "shift": 15, "lo": -128, "hi": 127}
    nodes = [
        Node("sign_b1", "sign", ("x", "t"), ("signs",), {}),
        Node("conv2d_b1", "conv", ("signs", "w", "blob"), ("y",), attrs | {"y_zero": 5, "lo": -128, "hi": 127}),
        Node("add_s8", "add", ("y", "x"), ("z",), add),
    ]
    return Graph("residual", tensors, nodes, *([Edge(name, name, shape, (0, 1, 2, 3), "s8")] for name in ("x", "z")))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_an_addition_behind_it_runs_in_its_parts_on_any_number_of_threads(threads: int) -> None:
    rng = np.random.default_rng(6)
    graph = residual(rng)
    x = rng.integers(-128, 128, graph.tensors["x"].shape).astype(np.int8)
    want = run_graph(graph, {"x": x})["z"]
    for isas in isa_masks():
        model = native.Model(to_bytes(Bundle("residual", [Variant("case", graph)])), isas=isas, threads=threads)
        assert model.ops()[2].packing == "in the layer before"
        assert difference(want, np.asarray(model.run(x))) is None
        model.close()
