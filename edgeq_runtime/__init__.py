"""Run .eqm models on this device: `edgeq_runtime.open("model.eqm").run(x)`."""

import os
from typing import Optional, Union

from edgeq_runtime.native import Error, Model
from edgeq_runtime.store import InstalledModel

__all__ = ["Error", "InstalledModel", "Model", "include_dir", "library_dir", "open"]
__version__ = "0.1.0"


def open(path: str, variant: Union[int, str, None] = None, isas: Optional[int] = None, follow: bool = False, threads: int = 1) -> Model:
    """A model ready to run: that in a file, or the installed one of this name.

    A name has no folder and no .eqm at its end, and is not that of a file here. variant: its name or number (None: the first). isas: a
    mask of instruction sets (None: all). follow: an installed model takes a newly deployed version by itself, before a run. threads: how
    many compute.
    """
    text = os.fspath(path)
    if os.path.basename(text) == text and not text.endswith(".eqm") and not os.path.isfile(text):
        return InstalledModel(text, variant, isas, follow, threads)
    return Model(text, variant, isas, threads)


def include_dir() -> str:
    """The folder of the C headers eq.h and agent/eq_store.h."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "csrc")


def library_dir() -> str:
    """The folder of libedgeq.so, which C programs link with."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
