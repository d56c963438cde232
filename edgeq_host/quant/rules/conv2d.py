"""Convolution with constant weights and bias."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.weighted import weighted


def apply(build: Build, node: Node) -> None:
    weighted(build, node, axis=0)
