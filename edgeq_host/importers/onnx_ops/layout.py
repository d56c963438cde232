"""Between the channels-first layout of ONNX and ours; the passes cancel what these transposes leave."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op


def rank_of_image(op: Op, i: int = 0) -> int:
    rank = len(op.shape(i))
    if rank not in (3, 4):
        raise Refusal(f"works on {rank - 2} spatial dimensions {list(op.shape(i))}, 1 or 2 are possible")
    return rank


def to_nhwc(op: Op, x: str) -> str:
    """[N, C, W] or [N, C, H, W] to [N, H, W, C], H = 1 where there is none."""
    dims = op.builder.shape(x)
    if len(dims) == 4:
        return op.transpose(x, (0, 2, 3, 1), "nhwc")
    x = op.transpose(x, (0, 2, 1), "nwc")
    return op.reshape(x, (dims[0], 1, dims[2], dims[1]), "nhwc")


def from_nhwc(op: Op, y: str, rank: int) -> str:
    n, h, w, c = op.builder.shape(y)
    if rank == 4:
        return op.transpose(y, (0, 3, 1, 2), "nchw")
    assert h == 1
    return op.transpose(op.reshape(y, (n, w, c), "nwc"), (0, 2, 1), "ncw")


def two(values: Sequence[int] | None, default: int, what: str, rank: int) -> tuple[int, int]:
    """A spatial attribute as (height, width); a 1-d one gets the default for its missing height."""
    if values is None:
        return default, default
    if len(values) != rank - 2:
        raise Refusal(f"{what} {list(values)} has {len(values)} entries, expected {rank - 2}")
    pair = [int(v) for v in values]
    return (default, pair[0]) if rank == 3 else (pair[0], pair[1])
