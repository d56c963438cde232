"""Tables -> the bytes of an .eqm file: aligned FlatBuffer and trailer (SPEC.md 3), and back."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
import tempfile
from pathlib import Path

import flatbuffers

from edgeq_host import files
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export import sharing
from edgeq_runtime import native

MAGIC = b"EQMTRAIL"
STATUS_VERSION = -3  # EQ_ERR_VERSION
FORMAT_VERSION = 1 << 16
MIN_RUNTIME = 0 << 16 | 1
BODY_STEP = 64  # the body's length is a multiple
TRAILER = struct.Struct("<8sIIQ32sQ16s12s64s")  # and the CRC-32C of it
TRAILER_BYTES = TRAILER.size + 4
MAX_BYTES = (1 << 31) + (16 << 20)  # of a file: its body is below 2 GiB
COSTS_MAGIC = b"EQMCOSTS"
COSTS_FOOTER = struct.Struct("<II8s")  # bytes of the measured costs before it, their CRC-32C, magic


class _AlignedBuffer(eqm.BufferT):  # type: ignore[misc]
    """The generated Pack does not honour alignment: start the vector with it."""

    def __init__(self, buffer: eqm.BufferT, alignment: int) -> None:
        super().__init__()
        self.data = buffer.data
        self.alignment = alignment

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = aligned_vector(builder, bytes(self.data), self.alignment)
        eqm.BufferStart(builder)
        eqm.BufferAddData(builder, data)
        return int(eqm.BufferEnd(builder))


def aligned_vector(builder: flatbuffers.Builder, data: bytes, alignment: int) -> int:
    builder.StartVector(1, len(data), alignment)
    builder.head = builder.Head() - len(data)
    builder.Bytes[builder.Head() : builder.Head() + len(data)] = data
    return int(builder.EndVector())


class _WholeScore(eqm.ScoreT):  # type: ignore[misc]
    """With every number in the file, 0 too: so its size does not hang on what a model scores."""

    def __init__(self, score: eqm.ScoreT) -> None:
        super().__init__()
        self.__dict__.update(score.__dict__)

    def Pack(self, builder: flatbuffers.Builder) -> int:
        builder.ForceDefaults(True)
        place = int(super().Pack(builder))
        builder.ForceDefaults(False)
        return place


def pack(model: eqm.ModelT) -> bytes:
    """The file, unsigned. Of several variants tables are shared, too; a file of one has little to share, and the bytes it always had."""
    for variant in model.variants:
        variant.score = None if variant.score is None else _WholeScore(variant.score)
    size = 4096 + sum(len(b.data) + model.alignment for b in model.buffers)
    if len(model.variants) > 1:
        builder = sharing.Builder(size)
        root = sharing.write(builder, model, lambda to, data: aligned_vector(to, data, model.alignment))
    else:
        builder, plain = flatbuffers.Builder(size), model.buffers
        model.buffers = [_AlignedBuffer(b, model.alignment) for b in plain]
        root, model.buffers = model.Pack(builder), plain
    builder.Finish(root, file_identifier=b"EQM1")
    body = bytes(builder.Output())
    body += bytes(-len(body) % BODY_STEP)
    return body + _trailer(body)


def _trailer(body: bytes) -> bytes:
    head = TRAILER.pack(MAGIC, FORMAT_VERSION, MIN_RUNTIME, len(body), hashlib.sha256(body).digest(), 0, b"", b"", b"")
    return head + struct.pack("<I", native.crc32c(head))


def trailer_at(data: bytes) -> int:
    """Where the trailer of a file begins that the C reader has accepted."""
    end = len(data)
    if data.endswith(COSTS_MAGIC):
        end -= COSTS_FOOTER.size + int(COSTS_FOOTER.unpack_from(data, end - COSTS_FOOTER.size)[0])
    return end - TRAILER_BYTES


def unpack(data: bytes, name: str) -> eqm.ModelT:
    """The tables of a file. ModelError if the C reader does not accept it."""
    check_file(data, name)
    try:
        return eqm.ModelT.InitFromObj(eqm.Model.GetRootAs(bytearray(data), 0))
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:  # parts that only reports read
        raise ModelError(f"{name}: its provenance cannot be read ({error})", "make it again with edgeq quantize") from error


def check_file(data: bytes, name: str) -> None:
    """ModelError where the C reader finds no sound model file."""
    try:
        native.check(data)
    except native.Error as error:
        raise refusal(error, data, name) from error


def refusal(error: native.Error, data: bytes, name: str) -> ModelError:
    """Why the C reader refuses a file, and what to do."""
    if error.status != STATUS_VERSION:
        return ModelError(f"{name}: {error}", "make it again with edgeq quantize, or copy it again if it was copied")
    found = struct.unpack_from("<II", data, len(data) - TRAILER.size - 4 + 8)
    text = [f"{v >> 16}.{v & 0xFFFF}" for v in (*found, FORMAT_VERSION, MIN_RUNTIME)]
    return ModelError(
        f"{name}: written in format {text[0]} for runtime {text[1]} or newer; this edgeq reads format {text[2]} and has runtime {text[3]}",
        "update edgeq: the file is newer",
    )


def read_file(path: Path, limit: int = MAX_BYTES, what: str = "an .eqm file") -> bytes:
    """UsageError where it is no regular file that can be read, or longer than `limit` bytes."""
    try:
        return files.read_bytes(path, limit)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", f"give the path of {what}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}", f"give the path of {what}") from error
    except MemoryError as error:
        raise UsageError(f"{path}: this machine has not enough memory for it", f"give {what}, or free memory") from error


def check_place(path: Path) -> None:
    """ModelError where write_file would be refused, before the data is made: a file is made beside `path`, and removed."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.is_file() or not path.exists():
            with tempfile.TemporaryFile(dir=(path.resolve() if path.is_symlink() else path).parent):
                pass
    except OSError as error:
        raise _unwritable(path, error) from error


def write_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write all or nothing: a temporary file beside `path`, synced, then renamed over it. ModelError if the file system refuses.

    mode: of the file; by default that of the file it replaces, else what the umask leaves.
    A symbolic link is followed; what is no regular file (a device, a pipe) is written into, never replaced.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(data)
        else:
            _replace(path.resolve() if path.is_symlink() else path, data, mode)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_new(path: Path, data: bytes) -> None:
    """As write_file, but FileExistsError where anything is there; of two at once one is done."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        write_file(path, data)
    except ModelError:
        path.unlink(missing_ok=True)
        raise


def _unwritable(path: Path, error: OSError) -> ModelError:
    return ModelError(f"{path}: {error.strerror or error}", "nothing was written; check the folder, its rights and the free space")


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(path) if mode is None else mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """Of the file that is replaced, or of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
