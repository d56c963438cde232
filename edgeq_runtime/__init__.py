"""Run .eqm models on this device: `edgeq_runtime.open("model.eqm").run(x)`."""

from typing import Optional, Union

from edgeq_runtime.native import Error, Model

__all__ = ["Error", "Model", "open"]
__version__ = "0.1.0"


def open(path: str, variant: Union[int, str, None] = None, isas: Optional[int] = None) -> Model:
    """The model in a file, ready to run. variant: its name or number (None: the first). isas: a mask of instruction sets (None: all)."""
    return Model(path, variant, isas)
