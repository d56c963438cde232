"""Train the digits model of this repository and write examples/digits/: digits.onnx, calibration.npz, test.npz, frames/.

Data: scikit-learn's digits, 1797 images of 8x8, grey 0..16 scaled to 0..1. Every third is held out for the test;
calibration is a part of the rest. frames/ are the first 20 of the test as pictures (PGM): what the camera loops see.
Needs the `dev` extra (torch, scikit-learn, onnx). The same CPU type and versions give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

EPOCHS = 80
FRAMES = 20
GREYS = 16


def network() -> torch.nn.Sequential:
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Conv2d(16, 32, 1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10)),
    )


def turn(n: int) -> torch.Tensor:
    """n random affine maps [n, 2, 3]: the identity, a little sheared, scaled and shifted (half a pixel)."""
    return torch.eye(2, 3).repeat(n, 1, 1) + torch.randn(n, 2, 3) * torch.tensor([0.1, 0.1, 0.08])


def train(net: torch.nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            moved = torch.nn.functional.affine_grid(turn(len(batch)), (len(batch), 1, 8, 8), align_corners=False)
            images = torch.nn.functional.grid_sample(x[batch], moved, align_corners=False)
            torch.nn.functional.cross_entropy(net(images), y[batch], label_smoothing=0.05).backward()
            optimizer.step()
        schedule.step()


def to_onnx(net: torch.nn.Sequential) -> onnx.ModelProto:
    """The network as ONNX opset 13, written layer by layer: no exporter, so that the file does not change with its version."""
    nodes, weights, name = [], [], "image"
    for i, layer in enumerate(m for m in net if not isinstance(m, torch.nn.Dropout)):
        inputs = [name]
        for part, value in layer.named_parameters():
            weights.append(numpy_helper.from_array(value.detach().numpy(), f"{part}{i}"))
            inputs.append(f"{part}{i}")
        kind, attrs = {
            "Conv2d": lambda m: ("Conv", {"pads": list(m.padding) * 2, "kernel_shape": list(m.kernel_size), "group": m.groups}),
            "ReLU": lambda m: ("Relu", {}),
            "MaxPool2d": lambda m: ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            "AvgPool2d": lambda m: ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            "Flatten": lambda m: ("Flatten", {}),
            "Linear": lambda m: ("Gemm", {"transB": 1}),
        }[type(layer).__name__](layer)
        name = "scores" if isinstance(layer, torch.nn.Linear) else f"{kind.lower()}{i}"
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attrs))
    edges = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("image", [1, 1, 8, 8]), ("scores", [1, 10]))]
    graph = helper.make_graph(nodes, "digits", edges[:1], edges[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="edgeq example")
    onnx.checker.check_model(model)
    return model


def write_frames(folder: Path, images: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """images [n, 1, height, width], 0..1, as one .pgm each."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        head = f"P5\n{image.shape[2]} {image.shape[1]}\n{GREYS}\n"
        (folder / f"{i:02}.pgm").write_bytes(head.encode("ascii") + (image * GREYS).astype(np.uint8).tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "digits")
    out = parser.parse_args().out
    torch.manual_seed(1)
    torch.set_num_threads(1)
    data = load_digits()
    x = (data.images[:, None] / GREYS).astype(np.float32)
    y = data.target.astype(np.int64)
    held = np.arange(len(x)) % 3 == 0
    net = network()
    train(net, torch.from_numpy(x[~held]), torch.from_numpy(y[~held]))
    net.eval()
    with torch.no_grad():
        right = int((net(torch.from_numpy(x[held])).argmax(1).numpy() == y[held]).sum())
    print(f"float accuracy on the held-out third: {right}/{held.sum()} = {100 * right / held.sum():.2f} %")
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(net), str(out / "digits.onnx"))
    np.savez_compressed(out / "calibration.npz", x=x[~held][:256])
    np.savez_compressed(out / "test.npz", x=x[held], y=y[held])
    write_frames(out / "frames", x[held][:FRAMES])


if __name__ == "__main__":
    main()
