"""The name of a JSON document says what is in it: no two kinds of document have the same one."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import edgeq_host

PACKAGE = Path(edgeq_host.__file__).parent
NAME = re.compile(r"edgeq\.[a-z-]+/[0-9]+")
TREES = {path.relative_to(PACKAGE): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def names(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
    }


def test_one_module_writes_a_schema() -> None:
    places = defaultdict(list)
    for path, tree in TREES.items():
        for name in names(tree):
            places[name].append(str(path))
    assert len(places) > 30 and {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_schema_has_the_same_fields_wherever_it_is_written() -> None:
    """But for `state` and `risks`, which a line of several devices has."""
    fields = defaultdict(set)
    for tree in TREES.values():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for name in (argument.value for argument in call.args if isinstance(argument, ast.Constant) and argument.value in names(tree)):
                fields[name].add(frozenset(str(word.arg) for word in call.keywords) - {"state", "risks", "None"})
    assert len(fields) > 30 and {name: found for name, found in fields.items() if len(found) > 1} == {}
