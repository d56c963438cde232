"""edgeq on the developer's machine: import a model, quantize it, evaluate it, deploy it.

graph = edgeq_host.load("model.onnx")
packed = edgeq_host.quantize(graph, calibration="calib.npz")
packed.save("model.eqm")
score = edgeq_host.evaluate(packed, "test.npz")
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["evaluate", "from_torch", "load", "quantize"]

TYPE_CHECKING = False  # not typing's: importing that would delay the moment from which the command looks after Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from edgeq_host.api import evaluate, from_torch, load, quantize


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """The functions above, imported when first used: `edgeq --help` need not wait for numpy and onnx."""
    if name not in __all__:
        raise AttributeError(f"module 'edgeq_host' has no attribute {name!r}")
    from edgeq_host import api

    return getattr(api, name)
