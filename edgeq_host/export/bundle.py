"""What goes into one .eqm file."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeq_host.graph import Array, Graph


@dataclass(frozen=True)
class SelfTest:
    """Samples and the exact outputs that a device must reproduce (SPEC.md 3.4).

    inputs: one array per graph input, internal layout and type. outputs: sample by sample (the real one, then one per seed),
    output by output, the internal bytes of each; the writer stores a SHA-256 where there are more than 1024.
    """

    inputs: tuple[Array, ...] = field(repr=False)
    seeds: tuple[int, ...]
    outputs: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Score:
    """metric with its 95 % interval over `samples` samples."""

    metric: str
    value: float
    low: float
    high: float
    samples: int


@dataclass(frozen=True)
class Variant:
    """One precision of the model."""

    name: str
    graph: Graph
    selftest: SelfTest | None = None
    score: Score | None = None


@dataclass(frozen=True)
class Provenance:
    """Where the file comes from. Hashes are 32 bytes, or empty where there was no such input. No time stamp: same inputs, same bytes."""

    source_name: str
    source_sha256: bytes
    recipe: str
    tool: str
    calibration_sha256: bytes = b""
    score_sha256: bytes = b""
    calibration_name: str = ""
    score_name: str = ""
    import_options: str = ""


@dataclass(frozen=True)
class Bundle:
    """`alignment` of constants in the file: 64, or 16 for microcontrollers."""

    name: str
    variants: tuple[Variant, ...] | list[Variant]
    labels: tuple[str, ...] = ()
    provenance: Provenance | None = None
    alignment: int = 64
