"""Writes docs/onnx-operators.md from the node tests of the onnx package: python -m tests.importers.onnx_node_page"""

from __future__ import annotations

import re
from collections import defaultdict

from edgeq_host.importers.onnx_ops import MICROSOFT, RULES
from tests.importers.node_cases import PAGE, Case, Outcome, cases, in_scope, run

_HEAD = """# ONNX operators

Generated from the node tests of the `onnx` package {version}: do not edit, run `python -m tests.importers.onnx_node_page`.
Counted are tests with float32 data of at most four dimensions. Every input but the first (both operands of element-wise operators, Concat,
MatMul and Gemm) is a constant. A test either passes or is refused with the reason below; nothing runs and gives another answer,
but for Sign: edgeq's signs have two values, 0 is +1, and `edgeq check` says so.
Comparisons with a constant are signs where Where or Cast turns them into numbers.
Quant, IntQuant and BipolarQuant of QONNX are read too; quantize.md has their limits.

| operator | pass | refused | why |
|---|---|---|---|
"""


def results() -> list[tuple[Case, Outcome]]:
    """Every test that the page counts, with what edgeq does."""
    return [(case, run(case)) for case in cases() if in_scope(case)]


def page(found: list[tuple[Case, Outcome]], version: str) -> str:
    by_operator: dict[str, list[Outcome]] = defaultdict(list)
    for case, outcome in found:
        by_operator[case.op].append(outcome)
    known = {name for domain, name in RULES if not domain}
    rows = [_row(name, by_operator[name]) for name in sorted(by_operator) if name in known]
    refused = sorted(name for name in by_operator if name not in known)
    without = sorted(known - set(by_operator))
    microsoft = sorted(name for domain, name in RULES if domain == MICROSOFT)
    return (
        _HEAD.format(version=version)
        + "\n".join(rows)
        + "\n\n## Supported, without such a test\n\n"
        + ", ".join(without)
        + ".\n\nOf the domain com.microsoft: "
        + ", ".join(microsoft)
        + ".\n\n## Refused on activations\n\nComputed only where every input is a constant, if at all: "
        + ", ".join(refused)
        + ".\n"
    )


def _row(name: str, outcomes: list[Outcome]) -> str:
    reasons = sorted({_general(o.refused) for o in outcomes if o.refused})
    passed = sum(not o.refused and not o.wrong for o in outcomes)
    return f"| {name} | {passed} | {sum(bool(o.refused) for o in outcomes)} | {'; '.join(reasons)} |"


def _general(reason: str) -> str:
    """The reason without the names and hints of one test."""
    reason = re.sub(r" \([^()]*(\([^()]*\)[^()]*)*\)$", "", reason)
    return re.sub(r"test_\w+", "the model", reason).replace("|", "\\|")


def main() -> None:
    import onnx

    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results(), onnx.__version__), encoding="utf-8")


if __name__ == "__main__":
    main()
