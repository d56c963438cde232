"""Static int8 quantization: calibration, shared ranges, weights, and one rule per operator."""

from edgeq_host.quant.pipeline import FEW_SAMPLES, Island, Quantized, quantize, quantize_reported, wants_samples
from edgeq_host.quant.preprocess import prepare

__all__ = ["FEW_SAMPLES", "Island", "Quantized", "prepare", "quantize", "quantize_reported", "wants_samples"]
