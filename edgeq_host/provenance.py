"""What a file records of how it was made, in and out: the recipe, and the options with which its source was read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import tomli_w

from edgeq_host import recipe
from edgeq_host.errors import ModelError
from edgeq_host.export import unpack
from edgeq_host.files import toml
from edgeq_host.importers.common import ImportOptions
from edgeq_host.inspect import text
from edgeq_host.recipe import Recipe


def options_text(options: ImportOptions) -> str:
    return tomli_w.dumps({key: value for key, value in asdict(options).items() if value})


def options_of(recorded: str) -> ImportOptions:
    """The reverse of options_text. ModelError where it is nothing of the kind: a file or a device says it."""
    try:
        table = toml(recorded)
        shapes = {name: tuple(dims) for name, dims in table.get("shapes", {}).items()}
        return ImportOptions(shapes, tuple(table.get("inputs", ())), tuple(table.get("outputs", ())))
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"its record of how the model was read is damaged: {error}", "pack or quantize the model again") from error


def recorded_options(provenance: Any) -> ImportOptions:
    return options_of(text(provenance.importOptions))


def recorded_recipe(provenance: Any, file: str) -> Recipe:
    return recipe_of(text(provenance.recipe), file)


def recipe_of(recorded: str, file: str) -> Recipe:
    return recipe.loads(recorded, f"the recipe in {file}")


def recorded_by(opened: Any, file: bytes | None, name: str) -> tuple[Recipe, ImportOptions]:
    """Of an opened model. file: its bytes, or None for one that is installed on a board."""
    if file is not None:
        return recorded(file, name)
    recipe, options = opened.origin()
    return recipe_of(recipe, name), options_of(options)


def recorded(data: bytes, file: str) -> tuple[Recipe, ImportOptions]:
    """Of a model file; the defaults where it does not say."""
    provenance = unpack(data, file).provenance
    if provenance is None:
        return Recipe(), ImportOptions()
    return recorded_recipe(provenance, file), recorded_options(provenance)
