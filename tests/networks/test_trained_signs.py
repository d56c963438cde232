"""Networks that PyTorch trained with signs keep every sum: the integers give what the float evaluation gives, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeq_host.graph import Array, Graph
from edgeq_host.importers import from_torch
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow

SIGNS: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: torch.where(x >= 0, 1.0, -1.0),
    "sign": torch.sign,
    "cast": lambda x: (x >= 0).to(x.dtype) * 2 - 1,
    "estimator": lambda x: x + (torch.where(x < 0, -1.0, 1.0) - x).detach(),
}


class Estimated(torch.autograd.Function):  # type: ignore[misc,name-defined]
    """A sign whose gradient passes where |x| <= 1."""

    @staticmethod
    def forward(context: Any, x: Any) -> Any:
        context.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(context: Any, gradient: Any) -> Any:
        (x,) = context.saved_tensors
        return gradient * (x.abs() <= 1)


class Net(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Digits of 8x8: a float convolution, or the sign of the grey values, then two convolutions and a dense layer of signs."""

    def __init__(self, sign: Callable[[Any], Any], first: str) -> None:
        super().__init__()
        self.sign, self.first = sign, first
        self.a = torch.nn.Conv2d(1, 32, 3, padding=1)
        self.b, self.c = torch.nn.Conv2d(32, 64, 3, padding=1, bias=False), torch.nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(n) for n in (32, 64, 64))
        self.dense = torch.nn.Linear(64, 10)

    def weight(self, w: Any) -> Any:
        return self.sign(w) * w.abs().mean(tuple(range(1, w.ndim)), keepdim=True)

    def forward(self, x: Any) -> Any:
        signs = self.first == "signs"
        conv = torch.nn.functional.conv2d
        x = conv(self.sign(x - 0.47), self.weight(self.a.weight), self.a.bias, padding=1) if signs else self.a(x)
        return self.behind(self.sign(self.norms[0](x)))

    def behind(self, x: Any) -> Any:
        conv, pool = torch.nn.functional.conv2d, torch.nn.functional.max_pool2d
        x = self.sign(self.norms[1](pool(conv(x, self.weight(self.b.weight), padding=1), 2)))
        x = self.sign(self.norms[2](pool(conv(x, self.weight(self.c.weight), padding=1), 4)))
        return torch.nn.functional.linear(x.flatten(1), self.weight(self.dense.weight), self.dense.bias)


def _digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), torch.tensor(digits.target)


@pytest.fixture(scope="module", params=["signs", "float"])
def trained(request: pytest.FixtureRequest) -> tuple[Net, str]:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net, (x, y) = Net(Estimated.apply, request.param), _digits()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    x, y = (v[np.arange(len(v)) % 3 != 0] for v in (x, y))
    for _ in range(6):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    return net.eval(), request.param


def _held_out() -> tuple[Any, Array]:
    x, y = _digits()
    return x[::3], y[::3].numpy()


def _quantized(net: Net) -> Graph:
    x = _digits()[0].numpy()
    return quantize_reported(from_torch(net, torch.zeros(1, 1, 8, 8)), [[x[i : i + 1]] for i in range(1, 600, 3)], Recipe()).graph


@pytest.mark.parametrize("how", SIGNS)
def test_what_was_trained_with_signs_runs_on_bits_and_predicts_what_torch_predicts(trained: tuple[Net, str], how: str) -> None:
    net, first = trained
    net.sign = SIGNS[how]
    graph = _quantized(net)
    ops = [n.op for n in graph.nodes]
    assert ops.count("conv2d_b1") == (3 if first == "signs" else 2) and ops.count("fully_connected_b1") == 1
    assert all(graph.tensors[n.inputs[1]].dtype == "b1" for n in graph.nodes if n.op.endswith("_b1") and n.op != "sign_b1")
    assert [op for op in ops if op.endswith("_f32")] == ["mul_f32", "add_f32"], "scale and bias of the outputs"
    x, y = _held_out()
    net.sign = SIGNS["where"]  # x + (1 - x), as torch evaluates it, is not quite 1
    with torch.no_grad():
        wanted = net(x).numpy()
    session = Session(graph)
    found = np.concatenate([session.run(image[None])[0] for image in x.numpy()])
    right = float((wanted.argmax(axis=1) == y).mean())
    assert right > 0.85, "it has learnt its digits"
    if first == "signs":
        assert np.abs(found - wanted).max() <= 1e-4 and np.array_equal(found.argmax(axis=1), wanted.argmax(axis=1))
    else:
        assert abs(float((found.argmax(axis=1) == y).mean()) - right) <= 0.02


@pytest.mark.parametrize("trained", ["float"], indirect=True)
def test_behind_a_first_layer_of_int8_every_sum_is_the_one_of_torch(trained: tuple[Net, str]) -> None:
    """From the bits that the integers have there: what is lost is lost in the first layer alone."""
    net, _ = trained
    net.sign = SIGNS["where"]
    graph, x = _quantized(net), _held_out()[0].numpy()[:60]
    session = Session(graph, keep_all=True)
    bits = next(n.outputs[0] for n in graph.nodes if n.op == "sign_b1")
    for image in x:
        got = session.run(image[None])[0]
        signs = torch.tensor(session.tensor(bits).astype(np.float32)).permute(0, 3, 1, 2)
        with torch.no_grad():
            wanted = net.behind(signs).numpy()
        assert np.abs(got - wanted).max() <= 1e-4
