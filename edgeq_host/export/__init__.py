"""Write .eqm files. edgeq_host writes them; the C core is the only reader on a device."""

from __future__ import annotations

from edgeq_host.export.body import build, used_tensors
from edgeq_host.export.bundle import Bundle, Provenance, Score, SelfTest, Variant
from edgeq_host.export.container import check_file, check_place, pack, read_file, refusal, unpack, write_file, write_new
from edgeq_host.export.join import join
from edgeq_host.export.prepack import prepack

__all__ = [
    "Bundle",
    "Provenance",
    "Score",
    "SelfTest",
    "Variant",
    "check_file",
    "check_place",
    "join",
    "pack",
    "prepack",
    "read_file",
    "refusal",
    "to_bytes",
    "unpack",
    "used_tensors",
    "write_file",
    "write_new",
]


def to_bytes(bundle: Bundle, keep_all: bool = False) -> bytes:
    """The file of a bundle: a pure function of it. keep_all: every activation keeps a place of its own (calibration, reports)."""
    return pack(build(bundle, keep_all))
