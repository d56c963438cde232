"""Run .eqm models on this device: `edgeq_runtime.open("model.eqm").run(x)`."""

import os
from typing import Optional, Union

from edgeq_runtime.native import Error, Model
from edgeq_runtime.store import InstalledModel

__all__ = ["Error", "InstalledModel", "Model", "open"]
__version__ = "0.1.0"


def open(path: str, variant: Union[int, str, None] = None, isas: Optional[int] = None, follow: bool = False) -> Model:
    """A model ready to run: that in a file, or the installed one of this name.

    A name has no folder and no .eqm at its end. variant: its name or number (None: the first). isas: a mask of instruction sets
    (None: all). follow: an installed model takes a newly deployed version by itself, before a run.
    """
    text = os.fspath(path)
    if os.path.basename(text) == text and not text.endswith(".eqm") and not os.path.exists(text):
        return InstalledModel(text, variant, isas, follow)
    return Model(text, variant, isas)
