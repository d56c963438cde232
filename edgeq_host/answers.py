"""What an agent answers, as Python values."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host import wire
from edgeq_host.errors import LinkError
from edgeq_runtime import lists


@dataclass(frozen=True)
class Facts:
    """What the device says of itself; 0 where it does not know. board: what its agent was built for, such as "linux"."""

    board: str
    machine: str
    system: str
    agent: str
    clock_hz: int
    memory_bytes: int
    memory_free: int
    store_free: int
    isas: int
    isa_names: tuple[str, ...]
    kernels: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """An input or output, as edgeq_runtime gives it. inner, inner_bytes: type and bytes of the tensor inside."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    scale: float
    zero: int
    inner: str
    inner_bytes: int


@dataclass(frozen=True)
class Opened:
    """An open model: sizes are exact, in bytes, for the instruction sets in `isas`."""

    version: int
    sha256: str
    variant: str
    file_bytes: int
    model_bytes: int
    packed_bytes: int
    arena_bytes: int
    activation_bytes: int
    scratch_bytes: int
    macs: int
    isas: int
    threads: int
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]


def edge(reply: wire.Reply) -> Edge:
    names = {row.id: row.name for row in lists.qtypes().values()}
    if reply["type"] not in names or reply["inner"] not in names:
        raise LinkError(f"an input or output has the type {reply['type']}, which is not known", "update edgeq on both sides")
    shape = tuple(reply["shape"][: reply["rank"]])
    return Edge(
        reply["name"],
        shape,
        names[reply["type"]],
        reply["bytes"],
        reply["scale"],
        reply["zero"],
        names[reply["inner"]],
        reply["inner_bytes"],
    )


@dataclass(frozen=True)
class Checked:
    """A kernel against the portable one on the device. here: it has and uses it. fault: why it is not equal, else empty."""

    kernel: str
    here: bool
    cases: int
    fault: str
