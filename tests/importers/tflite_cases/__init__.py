"""Small networks of TFLite's operators: CASES[name](net) builds one; network(name) gives it and its bytes."""

from __future__ import annotations

from tests.importers.tflite_cases import batches, compute, shapes
from tests.importers.tflite_cases.base import CASES, f32, network

__all__ = ["CASES", "batches", "compute", "f32", "network", "shapes"]
