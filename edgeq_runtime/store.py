"""Models that are installed on this device, by name: what `edgeq deploy` and `edgeq-agent install` put in place. Python 3.6."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, Optional, Tuple, Union

from edgeq_runtime import abi
from edgeq_runtime.native import Model

_ROOT_BYTES = 3072
_PATH_BYTES = 160
_FILES_BYTES = 4096  # more than struct eq_store_files
_VERSIONS = 8


class Version(ctypes.Structure):
    """struct eq_store_version: of a file; version 0 is none."""

    _fields_ = [("version", c_uint32), ("place", c_uint32), ("size", c_uint64), ("sha256", c_uint8 * 32)]


class State(ctypes.Structure):
    """struct eq_store_state. versions: the current one, then those of a rollback."""

    _fields_ = [
        ("next", c_uint32),
        ("keep", c_uint32),
        ("count", c_uint32),
        ("counter", c_uint64),
        ("counter_sha256", c_uint8 * 32),
        ("versions", Version * _VERSIONS),
    ]


def _library() -> Any:
    lib = abi.library()
    lib.eq_store_default_root.argtypes = [ctypes.c_char_p, c_size_t]
    lib.eq_store_files_init.argtypes, lib.eq_store_files_init.restype = [c_void_p, c_char_p], c_void_p
    lib.eq_store_read.argtypes = [c_void_p, c_char_p, POINTER(State)]
    lib.eq_store_path.argtypes = [ctypes.c_char_p, c_char_p, c_uint32]
    lib.eq_fault_text.argtypes, lib.eq_fault_text.restype = [c_int], c_char_p
    return lib


def root() -> str:
    """The folder of the store: EDGEQ_STORE, XDG_DATA_HOME/edgeq/local or ~/.local/share/edgeq/local."""
    out = ctypes.create_string_buffer(_ROOT_BYTES)
    if _library().eq_store_default_root(out, len(out)):
        raise abi.Error(abi.STATUS_ARGUMENT, "no store: set EDGEQ_STORE, XDG_DATA_HOME or HOME to a folder")
    return os.fsdecode(out.value)


def locate(name: str) -> Tuple[str, Tuple[int, bytes]]:
    """Path, and number and SHA-256 of the file, of the current version of an installed model. Error where there is none."""
    lib, folder = _library(), root()
    memory = (c_uint64 * (_FILES_BYTES // 8))()
    state, path = State(), ctypes.create_string_buffer(_PATH_BYTES)
    ops = lib.eq_store_files_init(memory, os.fsencode(folder))
    raw = os.fsencode(name)
    fault = lib.eq_store_read(ops, raw, byref(state)) or lib.eq_store_path(path, raw, state.versions[0].version)
    if fault:
        text = lib.eq_fault_text(fault).decode("ascii")
        raise abi.Error(abi.STATUS_ARGUMENT, "{} in {}: {}; edgeq-agent status lists what is installed".format(name, folder, text))
    current = state.versions[0]
    return os.path.join(folder, os.fsdecode(path.value)), (int(current.version), bytes(current.sha256))


class InstalledModel(Model):
    """The current version of an installed model. It stays what it is, mapped, until `refresh`; follow: every run refreshes first.

    A refresh by `follow` takes no version whose inputs or outputs have another shape or type: what calls `run` is not made for it.
    """

    def __init__(
        self, name: str, variant: Union[int, str, None] = None, isas: Optional[int] = None, follow: bool = False, threads: int = 1
    ) -> None:
        self.installed = name
        self.follow = follow
        self._options = (variant, isas, threads)
        self._refused = None  # type: Optional[Tuple[Tuple[int, bytes], abi.Error]]
        for last in (False, False, True):
            path, self._identity = locate(name)
            self.version = self._identity[0]
            try:
                Model.__init__(self, path, variant, isas, threads)
                return
            except abi.Error:
                # Replaced and removed between the record and the file: look again.
                if last or os.path.exists(path):
                    raise

    def refresh(self) -> bool:
        """Take the version that is current now; True where it is another one. At an error this one stays open."""
        _ = self._handle  # an Error where the model is closed
        current = locate(self.installed)[1]
        # The number alone does not tell: after a removal they count from 1 again.
        if current == self._identity:
            return False
        if self.follow and self._refused and self._refused[0] == current:
            raise self._refused[1]  # not opened again for every run
        variant, isas, threads = self._options
        fresh = InstalledModel(self.installed, variant, isas, self.follow, threads)
        if self.follow and fresh._edges() != self._edges():
            text = "{} version {} has {}, version {} has {}: it is not followed; open the model again to take it"
            error = abi.Error(abi.STATUS_ARGUMENT, text.format(self.installed, fresh.version, fresh._edges(), self.version, self._edges()))
            self._refused = (fresh._identity, error)
            raise error
        self.__dict__.update(fresh.__dict__)
        return True

    def _edges(self) -> str:
        """What goes in and comes out, for comparison and for people."""
        texts = ["{} {}".format(edge.dtype, "x".join(map(str, edge.shape))) for edge in self.inputs + self.outputs]
        return " + ".join(texts[: len(self.inputs)]) + " -> " + " + ".join(texts[len(self.inputs) :])

    def run(self, x: Any) -> Any:
        """One inference, as Model.run."""
        if self.follow:
            self.refresh()
        return Model.run(self, x)
