"""What torch.save and torch.jit.save write, told by the bytes: nothing is unpickled. Each is answered with the lines that export it."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from edgeq_host.archive import ARCHIVE_ERRORS, unpacked
from edgeq_host.errors import ModelError
from edgeq_host.importers.torch_archive import damaged

_PICKLES = 5  # of the older form, which is not an archive: three say what it is, then the object and the keys of its weights
_OPCODES = 1_000_000
_PICKLE_BYTES = 64 << 20  # of an archive's, which has the weights beside it: what is left takes some MB, but a bomb any number
_OF_MODULES = {"_parameters", "_modules"}
_EXAMPLE = "example = (torch.zeros(1, 3, 224, 224),)"
_EXPORT = "torch.export.save(torch.export.export(model.eval(), example), {target!r})"
_ANSWERS = {
    "a PyTorch checkpoint": (
        "a checkpoint holds weights without the network, and edgeq unpickles nothing. Export the network where you build it:",
        "model = MyNetwork(); model.load_state_dict(torch.load({path!r}, weights_only=True))",
        _EXAMPLE,
        _EXPORT,
    ),
    "a PyTorch module saved whole": (
        "it is a pickle, which runs code of its own when it is loaded: edgeq never does. Export it where its class can be imported:",
        "model = torch.load({path!r}, weights_only=False)  # only if you trust the file",
        _EXAMPLE,
        _EXPORT,
    ),
    "a TorchScript program": (
        "torch exports such programs to ONNX only. With an example of the input:",
        "model = torch.jit.load({path!r})",
        _EXAMPLE,
        "torch.onnx.export(model, example, {onnx!r}, dynamo=False)",
    ),
}


def saved_error(data: bytes, path: Path) -> ModelError | None:
    """The refusal of a file that torch saved, or of an archive that cannot be read; None for other files."""
    try:
        kind = _kind(data)
    except ARCHIVE_ERRORS as error:
        return damaged(str(path), error)
    if kind is None:
        return None
    why, *lines = _ANSWERS[kind]
    names = {"path": str(path), "target": f"{path.stem}.pt2", "onnx": f"{path.stem}.onnx"}
    return ModelError(f"{path} is {kind}", "\n  ".join([why, "import torch", *(line.format(**names) for line in lines)]))


def _kind(data: bytes) -> str | None:
    if data[:2] != b"PK":
        pickled = len(data) > 2 and data[0] == 0x80 and 2 <= data[1] <= 5
        return _of_pickle(data) if pickled else None
    archive = zipfile.ZipFile(io.BytesIO(data))
    inner = {name.partition("/")[2]: name for name in archive.namelist() if name.count("/")}
    inner |= {name: name for name in archive.namelist()}
    if "data.pkl" not in inner:
        return None
    if "constants.pkl" in inner:
        return "a TorchScript program"
    return _of_pickle(unpacked(archive, archive.getinfo(inner["data.pkl"]), _PICKLE_BYTES))


def _of_pickle(data: bytes) -> str:
    """A module is pickled with the names of its parts; weights have names of the user's choice."""
    return "a PyTorch module saved whole" if set(_strings(data)) >= _OF_MODULES else "a PyTorch checkpoint"


def _strings(data: bytes) -> Iterator[str]:
    stream = io.BytesIO(data)
    try:
        for _ in range(_PICKLES):
            for _, value, _ in islice(pickletools.genops(stream), _OPCODES):
                if isinstance(value, str):
                    yield value
    except (ValueError, IndexError):
        return  # behind the last pickle, or damaged
