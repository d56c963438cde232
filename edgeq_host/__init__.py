"""edgeq on the developer's machine: import a model, quantize it, evaluate it, deploy it."""

__version__ = "0.1.0"
