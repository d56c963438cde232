"""Weights in the file as the kernels of an instruction set want them, beside the neutral ones: a device uses them where they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.container import pack
from edgeq_host.export.join import rebase
from edgeq_runtime import abi, lists, native

PORTABLE = "portable"  # takes the neutral layout in place


def prepack(model: eqm.ModelT, isas: Sequence[str]) -> bytes:
    """The file of a model with weights packed for these instruction sets (names of isa.def) and for no others; of `isas` empty: for none.

    They may be those of another architecture. UsageError for a name that is none, or for which nothing is packed.
    """
    isas = list(dict.fromkeys(isas))
    known = [name for name in lists.isas() if name != PORTABLE]
    for name in isas:
        if name not in known:
            raise UsageError(f"no instruction set {name!r} to pack weights for", f"one or more of: {', '.join(known)}")
    strip(model)
    plain = native.Memory(len(data := pack(model)), data)
    file = native.checked(plain, "model")
    index = {bytes(b.data): i for i, b in enumerate(model.buffers)}
    for v, variant in enumerate(model.variants):
        for o, operator in enumerate(variant.operators):
            operator.packed = _entries(file, v, o, isas, model.buffers, index)
    for name in isas:
        if not any(entry.isa == name for entry in packed(model)):
            raise UsageError(
                f"no layer of this model has weights that {name} packs",
                f"it packs for the products {_products(name)}; `edgeq inspect --kernels` shows those of the layers",
            )
    return pack(model)


def packed(model: eqm.ModelT) -> list[eqm.PackedT]:
    """All packed weights of a model."""
    return [entry for variant in model.variants for operator in variant.operators for entry in operator.packed or ()]


def names(model: eqm.ModelT) -> list[str]:
    """Of the instruction sets that weights are packed for."""
    found = [e.isa.decode("utf-8", "replace") if isinstance(e.isa, bytes) else str(e.isa or "") for e in packed(model)]
    return list(dict.fromkeys(found))


def strip(model: eqm.ModelT) -> None:
    """Take packed weights out, and the buffers that only they used."""
    used: set[int] = set()
    for variant in model.variants:
        for operator in variant.operators:
            operator.packed = None
        used |= {int(t.buffer) for t in variant.tensors if t.buffer >= 0}
        if variant.selftest is not None:
            used |= {int(i) for i in (*variant.selftest.inputs, *variant.selftest.outputs)}
    kept = sorted(used)
    for variant in model.variants:
        rebase(variant, {old: new for new, old in enumerate(kept)})
    model.buffers = [model.buffers[i] for i in kept]


def _entries(
    file: abi.File, variant: int, operator: int, isas: Sequence[str], buffers: list[eqm.BufferT], index: dict[bytes, int]
) -> list[eqm.PackedT] | None:
    """One for each instruction set whose kernel packs the weights of this operator; their bytes join `buffers`."""
    entries = []
    for name in isas:
        layout, data = _weights(file, variant, operator, 1 << lists.isas()[name].bit)
        if not data:
            continue
        entry = eqm.PackedT()
        entry.layout, entry.isa = np.asarray(layout, np.int32), name
        plane = _plane_bytes(*layout)
        entry.buffer = _add(data[:plane], buffers, index)
        if len(data) > plane:
            entry.low = _add(data[plane:], buffers, index)
        entries.append(entry)
    return entries or None


def _products(isa: str) -> str:
    """What its kernels pack weights for: <output>_<activation>_<weight>."""
    return ", ".join(sorted({kernel.types for kernel in lists.kernels() if kernel.isa == isa and kernel.kr}))


def _plane_bytes(bits: int, groups: int, channels: int, nr: int, kr: int, parts: int, k: int) -> int:
    """Of packed weights (SPEC.md 3.5); the low plane of nested ones has as many."""
    unit = kr * max(1, 8 // bits)
    group = -(-channels // nr) * nr * parts * -(-k // unit) * kr * max(1, bits // 8)
    return groups * (group if bits > 8 else -(-group // native.ALIGN) * native.ALIGN)


def _add(data: bytes, buffers: list[eqm.BufferT], index: dict[bytes, int]) -> int:
    """The place of a buffer with these bytes; the new one where there is none."""
    place = index.setdefault(data, len(buffers))
    if place == len(buffers):
        buffers.append(buffer := eqm.BufferT())
        buffer.data = np.frombuffer(data, np.uint8)
    return place


def _weights(file: abi.File, variant: int, operator: int, mask: int) -> tuple[list[int], bytes]:
    """Layout and bytes of an operator's packed weights; no bytes where it packs none."""
    layout, size, lib = abi.Layout(), ctypes.c_size_t(), native.library()
    status = lib.eq_prepack(file, variant, operator, mask, layout, size, None)
    memory = native.Memory(size.value)
    if status == 0 and size.value:
        status = lib.eq_prepack(file, variant, operator, mask, layout, size, memory.address)
    assert status == 0, native.library().eq_status_text(status)  # the C core has accepted the file
    return [int(getattr(layout, field[0])) for field in abi.Layout._fields_], bytes(memory.view)
