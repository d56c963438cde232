from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host.check import check
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.importers import ImportOptions, from_torch, load
from edgeq_host.importers.torch_archive import cleaned
from edgeq_host.session import Session

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")


class Small(torch.nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.dense = torch.nn.Linear(8 * 16, 5)

    def forward(self, x: Any) -> Any:
        x = torch.nn.functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.dense(x.flatten(1)).softmax(-1)


@pytest.fixture(scope="module")
def module() -> Any:
    torch.manual_seed(5)
    made = Small()
    with torch.no_grad():
        made.norm.running_mean.normal_()
        made.norm.running_var.uniform_(0.5, 2)
    return made.eval()


@pytest.fixture(scope="module")
def program(module: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torch") / "small.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 8, 8),)), path)
    return path


def _example() -> Any:
    return torch.from_numpy(np.random.default_rng(3).normal(0, 1, (1, 3, 8, 8)).astype(np.float32))


def test_a_module_with_example_inputs_gives_its_outputs_and_keeps_its_mode(module: Any) -> None:
    module.train()
    graph = from_torch(module, torch.zeros(1, 3, 8, 8))
    assert module.training and module.norm.training
    module.eval()
    assert [n.op for n in graph.nodes] == ["conv2d_f32", "max_pool2d_f32", "reshape", "fully_connected_f32", "softmax_f32"]
    x = _example()
    np.testing.assert_allclose(Session(graph).run(x.numpy())[0], module(x).detach().numpy(), atol=1e-6)


def test_an_exported_program_gives_its_outputs(module: Any, program: Path) -> None:
    graph = load(program)
    x = _example()
    np.testing.assert_allclose(Session(graph).run(x.numpy())[0], module(x).detach().numpy(), atol=1e-6)
    assert check(program).ok


def test_a_module_without_example_inputs_says_how_to_give_them(module: Any) -> None:
    with pytest.raises(UsageError, match="needs example inputs") as raised:
        from_torch(module, None)
    assert "example_inputs=" in raised.value.hint


class _Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.write_text, (self.path, "unpickled")


def test_a_checkpoint_is_told_by_its_content_and_answered_with_the_lines_that_export_it(module: Any, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    new, old, plain = (tmp_path / name for name in ("new.weights", "old.th", "plain.pt"))
    torch.save({"state": module.state_dict(), "bomb": _Bomb(mark)}, new)
    torch.save(module.state_dict(), old, _use_new_zipfile_serialization=False)
    plain.write_bytes(pickle.dumps(_Bomb(mark)))
    for path in (new, old, plain):
        with pytest.raises(ModelError, match="is a PyTorch checkpoint") as raised:
            load(path)
        assert "torch.export.save(torch.export.export(" in raised.value.hint
    assert not mark.exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("inner", [torch.nn.Conv2d(1, 2, 3), torch.nn.Sequential()])
def test_a_module_that_was_saved_whole_is_told_from_weights(tmp_path: Path, inner: Any, zipped: bool) -> None:
    torch.save({"epoch": 3, "model": inner}, tmp_path / "whole.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match="is a PyTorch module saved whole") as raised:
        load(tmp_path / "whole.pt")
    assert "weights_only=False" in raised.value.hint and "torch.export.save" in raised.value.hint


@pytest.mark.filterwarnings("ignore")
def test_the_lines_for_torchscript_export_it(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 3, 8, 8)), "script.pt")
    with pytest.raises(ModelError, match="is a TorchScript program") as raised:
        load("script.pt")
    lines = [line.strip() for line in raised.value.hint.splitlines()[1:]]
    exec("\n".join(lines).replace("1, 3, 224, 224", "1, 3, 8, 8"), {})
    assert load("script.onnx").outputs[0].shape == (1, 5)


def test_what_torch_cannot_export_is_said_with_its_cause(module: Any) -> None:
    with pytest.raises(ModelError, match="to have 3 channels, but got 4 channels") as raised:
        from_torch(module, torch.zeros(1, 4, 8, 8))
    assert "\x1b" not in raised.value.message and "\n" not in raised.value.message


def _rewritten(program: Path, target: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(program) as source, zipfile.ZipFile(target, "w") as out:
        for name in source.namelist():
            body = change(name, source.read(name))
            if body is not None:
                out.writestr(name, body)
        for name, body in (extra or {}).items():
            out.writestr(f"{source.namelist()[0].split('/')[0]}/{name}", body)
    return target


def test_pickled_sample_inputs_are_never_read(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    body = io.BytesIO()
    torch.save((_Bomb(mark),), body)
    path = _rewritten(program, tmp_path / "samples.pt2", lambda n, b: body.getvalue() if "sample_inputs" in n else b)
    assert load(path).inputs[0].shape == (1, 3, 8, 8)
    assert not mark.exists()


def test_pickled_weights_are_refused(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    def change(name: str, body: bytes) -> bytes:
        if name.endswith("weight_0"):
            return pickle.dumps(_Bomb(mark))
        return body.replace(b'"use_pickle": false', b'"use_pickle": true') if name.endswith("weights_config.json") else body

    with pytest.raises(ModelError, match="pickled weights"):
        load(_rewritten(program, tmp_path / "weights.pt2", change))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("torch.ops.aten.relu.default", "torch.os.system"),
        ("torch.ops.aten.relu.default", "torch.ops.aten.from_file.default"),
        ("torch.ops.aten.relu.default", "torch.hub.load"),
        ("torch.ops.aten.relu.default", "#mine:call"),
    ],
)
def test_a_program_that_calls_anything_but_operators_is_refused(old: str, new: str, program: Path, tmp_path: Path) -> None:
    path = _rewritten(program, tmp_path / "calls.pt2", lambda n, b: b.replace(old.encode(), new.encode()))
    with pytest.raises(ModelError, match="which edgeq does not run"):
        load(path)


def test_a_dimension_that_is_an_expression_of_python_is_refused(program: Path, tmp_path: Path) -> None:
    def change(name: str, body: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return body
        found = json.loads(body)
        found["range_constraints"] = {"s0": {"as_expr": {"expr_str": "__import__('os').getcwd()"}}}
        return json.dumps(found).encode()

    with pytest.raises(ModelError, match="does not evaluate"):
        load(_rewritten(program, tmp_path / "expression.pt2", change))


@pytest.mark.parametrize("text", ["9**9**9", "Symbol('s0', commutative=False)", "Symbol('x')", "Symbol(open('s0'))", "1" * 60 + "!"])
def test_other_expressions_of_sympy_are_refused(text: str, program: Path, tmp_path: Path) -> None:
    def change(name: str, body: bytes) -> bytes:
        return json.dumps(json.loads(body) | {"expr_str": text}).encode() if name.endswith("models/model.json") else body

    with pytest.raises(ModelError, match="does not evaluate"):
        load(_rewritten(program, tmp_path / "expression.pt2", change))


class Pooled(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Reshapes by the size of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        n, c, h, w = y.shape
        return y.reshape(n, c, h * w).mean(2)


def test_the_open_shapes_of_a_program_are_given_as_those_of_onnx(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module, path = Pooled().eval(), tmp_path / "open.pt2"
    dims = {i: torch.export.Dim(name, min=8, max=64) for i, name in ((2, "h"), (3, "w"))}
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 16, 17),), dynamic_shapes=(dims,)), path)
    assert check(path).shapes == ("--shape x=1,3,N,N",)
    graph = load(path, ImportOptions(shapes={"x": (1, 3, 21, 30)}))
    x = np.random.default_rng(3).normal(0, 1, (1, 3, 21, 30)).astype(np.float32)
    np.testing.assert_allclose(Session(graph).run(x)[0], module(torch.from_numpy(x)).detach().numpy(), atol=1e-6)


def test_guards_written_in_python_are_left_out(program: Path, tmp_path: Path) -> None:
    def change(name: str, body: bytes) -> bytes:
        guards = {"guards_code": ["__import__('os').abort()"]}
        return json.dumps(json.loads(body) | guards).encode() if name.endswith("models/model.json") else body

    path = _rewritten(program, tmp_path / "guards.pt2", change)
    assert b"abort" not in cleaned(path.read_bytes(), "guards.pt2").read()
    load(path)


def test_parts_that_may_run_code_are_refused(program: Path, tmp_path: Path) -> None:
    path = _rewritten(program, tmp_path / "extra.pt2", lambda n, b: b, {"data/constants/custom_obj_0": b"x"})
    with pytest.raises(ModelError, match="custom_obj_0"):
        load(path)


@pytest.mark.slow
def test_a_damaged_archive_is_an_error_of_its_own(program: Path, tmp_path: Path) -> None:
    data = program.read_bytes()
    path = tmp_path / "damaged.pt2"
    for k in range(0, len(data), max(1, len(data) // 40)):
        path.write_bytes(data[:k] + bytes([data[k] ^ 0x55]) + data[k + 1 :])
        try:
            load(path)
        except ModelError:
            continue
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError):
        load(path)
