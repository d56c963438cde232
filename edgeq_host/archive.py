"""Zip archives that may be damaged or made to do harm: what reading them raises, and how much of them is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO

# What zipfile raises for a damaged archive, whichever part of it is read.
ARCHIVE_ERRORS = (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, OSError, EOFError, OverflowError, zlib.error)
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # all that torch and numpy write; others unpack without a bound on what comes out


def reason(error: BaseException) -> str:
    """In a line or two: what is quoted of a damaged file can be long."""
    text = str(error) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."


def open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    """A stream that ends where the entry says that it does, whatever is there; its last byte comes only if the checksum is right."""
    if entry.compress_type not in _METHODS:
        found = f"'{entry.filename}' is compressed by method {entry.compress_type}"
        raise NotImplementedError(f"{found}, and only what is stored or deflated is read")
    return archive.open(entry)


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The entry's bytes, the first `most` of a larger one. ZipFile.read would unpack all that is there, whatever size is declared."""
    with open_entry(archive, entry) as stream:
        return stream.read(min(entry.file_size, most))
