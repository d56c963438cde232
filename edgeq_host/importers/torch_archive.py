"""What an exported PyTorch program (.pt2) holds, checked before torch reads it.

torch.export.load unpickles sample inputs and some weights, resolves operators by name below the module torch, and evaluates
symbolic expressions as Python. Only what needs none of this is handed on: JSON, raw weights, and operators of torch.ops.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from edgeq_host.archive import ARCHIVE_ERRORS, reason, unpacked
from edgeq_host.errors import ModelError
from edgeq_host.importers.common import MAX_FILE_BYTES

_PLAIN = re.compile(
    r"archive_format|archive_version|byteorder|\.data/(?:version|serialization_id)|\.format_version|\.storage_alignment"
    r"|models/[\w.-]+\.json|data/(?:weights|constants)/(?:weight_\d+|tensor_\d+|[\w.-]+_config\.json)"
)
_SAMPLES = re.compile(r"data/sample_inputs/[\w.-]+\.pt")
_EMPTY_FOLDER = re.compile(r"(?:extra|data)/.*/")
_OPERATOR = re.compile(r"torch\.ops\.aten\.(?!from_file)\w+\.\w+|_operator\.(?:add|sub|mul|floordiv|getitem)")
_SYMBOL = r"Symbol\('[a-z]+\d+'(?:, (?:positive|nonnegative|integer)=True)*\)"  # as sympy writes it
_EXPRESSION = re.compile(
    rf"(?:{_SYMBOL}|[su]\d+(?!\d)|\d{{1,19}}(?!\d)|-?int_oo|-?oo|Integer|Add|Mul|Max|Min|Mod|FloorDiv|\*(?!\*)|[-+/(), ])*"
)
_MAX_ENTRIES = 100_000
_HINT = "export it again with torch.export.save(torch.export.export(model.eval(), example_inputs), 'model.pt2')"


def is_exported(data: bytes) -> bool:
    return data[:2] == b"PK" and any(re.search(r"(?:^|/)models/[^/]+\.json$", name) for name in _names(data))


def _names(data: bytes) -> list[str]:
    try:
        return zipfile.ZipFile(io.BytesIO(data)).namelist()
    except ARCHIVE_ERRORS:
        return []


def damaged(path: str, error: BaseException) -> ModelError:
    return ModelError(f"{path} is a damaged archive: {reason(error)}", _HINT)


def cleaned(data: bytes, path: str) -> io.BytesIO:
    """The archive with nothing in it that torch would unpickle or evaluate; ModelError where it needs such parts."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        return _rewritten(archive, path)
    except ARCHIVE_ERRORS as error:
        raise damaged(path, error) from None


def _rewritten(archive: zipfile.ZipFile, path: str) -> io.BytesIO:
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES or sum(e.file_size for e in entries) > MAX_FILE_BYTES:
        raise ModelError(f"{path} unpacks to more than {MAX_FILE_BYTES} bytes or {_MAX_ENTRIES} files", _HINT)
    if len({e.filename for e in entries}) != len(entries):
        raise ModelError(f"{path} holds a file twice", _HINT)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for entry in entries:
            root, _, inner = entry.filename.partition("/")
            if not re.fullmatch(r"[\w.-]+", root):
                raise ModelError(f"{path} holds a file of the name '{entry.filename}'", _HINT)
            body = _checked(archive, entry, inner, path)
            if body is not None:
                target.writestr(zipfile.ZipInfo(entry.filename), body)
    out.seek(0)
    return out


def _checked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inner: str, path: str) -> bytes | None:
    if _SAMPLES.fullmatch(inner):
        return b""  # pickled; the graph says the shapes of its inputs, too
    if _EMPTY_FOLDER.fullmatch(inner) and entry.file_size == 0:
        return None
    if not _PLAIN.fullmatch(inner):
        raise ModelError(f"{path} holds '{inner}', which edgeq does not read: it may run code when it is loaded", _HINT)
    body = unpacked(archive, entry, MAX_FILE_BYTES)
    return _checked_json(body, inner, path) if inner.endswith(".json") else body


def _checked_json(body: bytes, inner: str, path: str) -> bytes:
    """The same, without the guards of a program with open shapes: they are Python, and only say which inputs it was exported for."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: '{inner}' is damaged: {error}", _HINT) from None
    for key, value in _pairs(found):
        if key == "use_pickle" and value is not False:
            raise ModelError(f"{path} holds pickled weights ('{inner}'), which edgeq never reads", _HINT)
        if key == "target" and isinstance(value, str) and inner.startswith("models/") and not _known_target(value):
            raise ModelError(f"{path} calls '{value}', which edgeq does not run", "use operators of torch.nn and torch.nn.functional")
        if key == "expr_str" and not _EXPRESSION.fullmatch(str(value)):
            raise ModelError(f"{path} has the dimension '{value}', which edgeq does not evaluate", "export it with fixed shapes")
    if isinstance(found, dict) and found.get("guards_code"):
        return json.dumps(found | {"guards_code": []}).encode()
    return body


def _known_target(value: str) -> bool:
    """An operator of torch.ops, or text that torch does not resolve (the signature lists parameters under the same key)."""
    return bool(_OPERATOR.fullmatch(value)) or not value.startswith(("torch", "_operator", "math", "#"))


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            yield from held.items()
            waiting += held.values()
        elif isinstance(held, list):
            waiting += held
