from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeq_host.data import Data, open_data, random_data
from edgeq_host.errors import EdgeqError, ModelError, UsageError
from edgeq_host.graph import Array, Edge
from edgeq_host.recipe import Input, Recipe

X = np.arange(5 * 3 * 4, dtype=np.float32).reshape(5, 3, 4)
Y = np.array([0, 1, 2, 1, 0])


def edge(shape: tuple[int, ...] = (1, 3, 4), dtype: str = "f32", name: str = "in") -> Edge:
    return Edge(name, name, shape, tuple(range(len(shape))), dtype)


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path / "d.npz", **arrays)
    return path / "d.npz"


def opened(path: Path, *edges: Edge, recipe: Recipe | None = None, labels: bool = False) -> Data:
    return open_data(path, edges or (edge(),), recipe or Recipe(), labels)


@pytest.mark.parametrize("compressed", [False, True])
def test_npz_gives_every_row_with_the_batch_axis_and_its_label(tmp_path: Path, compressed: bool) -> None:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "d.npz", x=X, y=Y)
    data = opened(tmp_path / "d.npz", labels=True)
    assert data.count == 5 and data.labelled
    for _ in range(2):  # can be read again
        found = list(data)
        assert np.array_equal(np.concatenate([s.inputs[0] for s in found]), X)
        assert found[0].inputs[0].shape == (1, 3, 4) and [int(s.label) for s in found] == Y.tolist()


def test_npy_and_rows_with_the_batch_axis_are_taken_too(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", X[:, None])
    data = opened(tmp_path / "d.npy")
    assert np.array_equal(np.concatenate([x[0] for x in data.inputs()]), X) and not data.labelled


def test_float64_and_column_major_arrays_are_taken(tmp_path: Path) -> None:
    found = opened(save(tmp_path, x=np.asfortranarray(X.astype(np.float64)), y=Y))
    assert np.array_equal(np.concatenate([x[0] for x in found.inputs()]), X)
    assert next(found.inputs())[0].dtype == np.float32


def test_several_inputs_come_by_name(tmp_path: Path) -> None:
    path = save(tmp_path, a=X, b=np.arange(5, dtype=np.int64)[:, None])
    found = list(opened(path, edge(name="a"), edge((1, 1), "s32", "b")))
    assert [int(s.inputs[1].item()) for s in found] == [0, 1, 2, 3, 4] and found[0].inputs[1].dtype == np.int32


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_memory_does_not_grow_with_the_number_of_samples(tmp_path: Path, suffix: str) -> None:
    rows = np.zeros((4000, 1000), np.float32)
    np.save(tmp_path / "d.npy", rows)
    np.savez(tmp_path / "d.npz", x=rows)
    del rows
    tracemalloc.start()
    for _ in opened(tmp_path / f"d.{suffix}", edge((1, 1000))):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def nan(value: float) -> Array:
    bad = X.copy()
    bad[3, 0, 0] = value
    return bad


@pytest.mark.parametrize(
    ("arrays", "labels", "text"),
    [
        ({"x": np.zeros((5, 4, 3), np.float32)}, False, r"x has shape \[5, 4, 3\], input in of the model has \[1, 3, 4\]"),
        ({"x": np.float32(1)}, False, r"shape \[\]"),
        ({"x": X[:0]}, False, "no samples"),
        ({"x": nan(np.nan)}, False, "sample 3 of input in holds NaN"),
        ({"x": nan(np.inf)}, False, "sample 3 of input in holds infinity"),
        ({"x": X.astype(np.uint8)}, False, "x is uint8, input in of the model takes float32"),
        ({"images": X}, False, "no array 'x'; it has: images"),
        ({"x": X}, True, "no labels"),
        ({"x": X, "y": Y[:4]}, True, r"y has shape \[4\], x has 5 samples"),
        ({"x": np.array([None] * 5)}, False, "Python objects"),
    ],
)
def test_data_that_does_not_fit_says_what_was_found_and_expected(tmp_path: Path, arrays: dict[str, Any], labels: bool, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        list(opened(save(tmp_path, **arrays), labels=labels))


@pytest.mark.parametrize("name", ["d.npz", "d.npy"])
@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 torn", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_array_is_a_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="not a readable"):
        opened(tmp_path / name)


def test_an_npz_cut_short_is_a_clear_error(tmp_path: Path) -> None:
    path = save(tmp_path, x=X)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="not a readable"):
        opened(path)


def test_a_path_that_is_not_there_or_of_no_known_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1,2")
    for name, text in (("none.npz", "no data at"), ("d.csv", "found .csv")):
        with pytest.raises(UsageError, match=text):
            opened(tmp_path / name)


@pytest.mark.parametrize(("dtype", "values"), [("u8", np.uint8), ("s8", np.int8)])
def test_integer_inputs_take_exactly_their_type(tmp_path: Path, dtype: str, values: Any) -> None:
    rows = np.arange(60).reshape(5, 3, 4).astype(values)
    assert next(opened(save(tmp_path, x=rows), edge(dtype=dtype)).inputs())[0].dtype == values
    with pytest.raises(ModelError, match="takes"):
        opened(save(tmp_path, x=rows.astype(np.int16)), edge(dtype=dtype))


def test_int32_inputs_refuse_what_int32_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="beyond int32"):
        list(opened(save(tmp_path, x=np.full((2, 3), 1 << 40)), edge((1, 3), "s32")))


IMAGE = edge((1, 4, 6, 3), "u8")


def picture(path: Path, height: int, width: int, value: int) -> None:
    path.parent.mkdir(exist_ok=True)
    pixels = np.full((height, width, 3), value, np.uint8)
    pixels[:, width // 2 :, 0] = 200
    Image.fromarray(pixels).save(path)


def recipe(resize: str = "stretch", labels: tuple[str, ...] = ()) -> Recipe:
    return Recipe(input=(Input("image", resize=resize),), labels=labels)


def test_a_folder_of_images_is_labelled_by_its_subfolders(tmp_path: Path) -> None:
    for name, value in (("cat/1.png", 10), ("cat/2.bmp", 20), ("dog/1.png", 30)):
        picture(tmp_path / name, 4, 6, value)
    data = opened(tmp_path, IMAGE, recipe=recipe(), labels=True)
    assert [(int(s.inputs[0][0, 0, 0, 1]), int(s.label)) for s in data] == [(10, 0), (20, 0), (30, 1)]
    other = opened(tmp_path, IMAGE, recipe=recipe(labels=("dog", "cat")), labels=True)
    assert [int(s.label) for s in other] == [1, 1, 0]


def test_images_are_stretched_cropped_or_refused_as_the_recipe_says(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 8, 24, 50)
    stretched, cropped = (next(opened(tmp_path, IMAGE, recipe=recipe(r)).inputs())[0] for r in ("stretch", "crop"))
    assert stretched.shape == cropped.shape == (1, 4, 6, 3)
    assert stretched[0, 0, :, 0].tolist()[0] == 50 and stretched[0, 0, -1, 0] == 200
    exact = np.asarray(Image.open(tmp_path / "a.png").crop((6, 0, 18, 8)).resize((6, 4), Image.Resampling.BILINEAR))
    assert np.array_equal(cropped[0], exact)
    with pytest.raises(ModelError, match="8 x 24, the model takes 4 x 6"):
        list(opened(tmp_path, IMAGE, recipe=recipe("none")))


def test_one_channel_is_gray(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 4, 6, 50)
    found = next(opened(tmp_path, edge((1, 4, 6, 1), "u8"), recipe=recipe()).inputs())[0]
    assert found[0, 0, 0, 0] == 50


def test_folders_that_do_not_fit_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "a.png").write_bytes(b"no image")
    picture(tmp_path / "named" / "a.png", 4, 6, 1)
    cases: list[tuple[str, Edge, Recipe, str]] = [
        ("empty", IMAGE, recipe(), "no images"),
        ("torn", IMAGE, recipe(), "not a readable image"),
        ("named", IMAGE, Recipe(), "takes no images"),
        ("named", edge((1, 4, 6, 3)), recipe(), "no uint8 image"),
        (".", IMAGE, recipe(labels=("x",)), "none of the recipe's labels"),
    ]
    for name, item, chosen, text in cases:
        with pytest.raises(EdgeqError, match=text):
            list(opened(tmp_path / name, item, recipe=chosen))


def test_the_hash_of_a_folder_changes_with_names_and_contents(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 4, 6, 1)
    first = opened(tmp_path, IMAGE, recipe=recipe()).sha256()
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert len(first) == 32 and opened(tmp_path, IMAGE, recipe=recipe()).sha256() != first


def test_random_data_repeats_by_seed_and_fits_every_type() -> None:
    edges = [edge(), edge((2, 2), "u8"), edge((3,), "s8"), edge((1,), "s32")]
    one, two = (list(random_data(edges, 5, 3)) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))
    assert [x.dtype.name for x in one[0].inputs] == ["float32", "uint8", "int8", "int32"]
