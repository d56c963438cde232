"""The recipe: everything that decides how a model is quantized and scored, as one TOML file. An unknown key is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import tomli_w

from edgeq_host.errors import UsageError
from edgeq_host.files import MAX_TOML, read_text, toml
from edgeq_host.quant import calibrators

PRECISIONS = {"int8": "int8", "w8a8": "int8", "float32": "float32"}
KINDS = ("image", "vector")
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm")  # files that an input of kind "image" takes
RESIZE_RULES = ("stretch", "crop", "none")
CHANNEL_ORDERS = ("RGB", "BGR", "gray")
_OF_IMAGES = ("size", "resize", "channels")


@dataclass(frozen=True)
class Input:
    """Preprocessing of one model input: the model sees (raw * scale - mean) / std, raw being a uint8 image or a float vector.

    name: the input's; empty: the only one, or by position. mean and std: one number, or one per channel (feature).
    size: height and width of an image, empty: as the model has it. resize: stretch (bilinear), crop (shorter side, then the
    middle), or none (another size is an error). channels: the order in which the model was trained.
    """

    kind: str
    name: str = ""
    size: tuple[int, ...] = ()
    resize: str = "stretch"
    channels: str = "RGB"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    scale: float = 1.0

    def __post_init__(self) -> None:
        _one_of("kind", self.kind, KINDS)
        _one_of("resize", self.resize, RESIZE_RULES)
        _one_of("channels", self.channels, CHANNEL_ORDERS)
        if len(self.size) not in (0, 2) or any(s < 1 for s in self.size):
            raise UsageError(f"size must be height and width, found {list(self.size)}", "for example size = [96, 96]")
        if self.kind == "vector" and (self.size or self.resize != "stretch" or self.channels != "RGB"):
            raise UsageError("size, resize and channels belong to kind = 'image'", "remove them from the input of kind = 'vector'")
        if not self.mean or not self.std or any(s <= 0 for s in self.std) or self.scale <= 0:
            found = f"mean {list(self.mean)}, std {list(self.std)}, scale {self.scale}"
            raise UsageError(
                f"mean and std must hold numbers, std and scale above 0; found {found}", "the model sees (raw * scale - mean) / std"
            )


@dataclass(frozen=True)
class Recipe:
    """options: of the calibrator. bias_correction: take out of the biases what rounding the weights shifts in the mean.

    input: preprocessing per model input; none: the model takes what its source takes.
    """

    precision: str = "int8"
    calibrator: str = "minmax"
    options: Mapping[str, Any] = field(default_factory=dict)
    bias_correction: bool = True
    seed: int = 0
    metric: str = "top1"
    labels: tuple[str, ...] = ()
    input: tuple[Input, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "precision", parse_precision(self.precision))
        if self.seed < 0:
            raise UsageError(f"seed = {self.seed}: it must not be negative", "give 0 or more")
        calibrators.options(self.calibrator, dict(self.options))


def parse_precision(text: str) -> str:
    """The canonical name. UsageError for what does not exist, and for int4, which does not say what the activations are."""
    name = text.strip().lower()
    if name == "int4":
        raise UsageError("precision 'int4' does not say how wide the activations are", "w4a8 or w4a4?")
    if name in PRECISIONS:
        return PRECISIONS[name]
    known = re.fullmatch(r"w([1-8])a(1|2|4|8|16)", name) or name in ("ternary", "binary")
    found = f"precision {text!r} is not available" if known else f"{text!r} is no precision: it is w<weight bits>a<activation bits>"
    raise UsageError(found, f"available: {', '.join(PRECISIONS)}")


def loads(text: str, where: str = "the recipe") -> Recipe:
    try:
        table = toml(text)
    except ValueError as e:
        raise UsageError(f"{where} is not TOML: {e}", "docs/quantize.md shows a recipe") from None
    inputs = table.pop("input", [])
    if not isinstance(inputs, list) or not all(isinstance(i, dict) for i in inputs):
        raise UsageError(f"{where}: input must be a list of tables", "write [[input]] above each")
    values = _checked(Recipe, table, where)
    return Recipe(**values, input=tuple(Input(**_checked(Input, i, f"{where}, [[input]]")) for i in inputs))


def dumps(recipe: Recipe, calibrated: bool = True) -> str:
    """TOML of every value that is in force, defaults too, in the order of the fields; loads() gives a recipe that does the same.

    calibrated: without calibration, what only calibration reads is not in force.
    """
    table = asdict(recipe)
    inputs, options = table.pop("input"), table.pop("options")
    if calibrated:
        options = asdict(calibrators.options(recipe.calibrator, options))
    else:
        options, table = {}, {key: value for key, value in table.items() if key not in ("calibrator", "bias_correction")}
    parts = [_lines(table)]
    parts += [["[options]", *_lines(options)]] if options else []
    parts += [["[[input]]", *_lines({k: v for k, v in i.items() if i["kind"] == "image" or k not in _OF_IMAGES})] for i in inputs]
    return "\n".join(line for part in parts for line in part) + "\n"


def _lines(table: dict[str, Any]) -> list[str]:
    """`key = value`; an empty value says nothing."""
    return [f"{key} = {_literal(value)}" for key, value in table.items() if value not in ("", ())]


def _literal(value: Any) -> str:
    """In TOML, an array on one line."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return tomli_w.dumps({"_": value}).removeprefix("_ = ").rstrip()


def read(path: Path) -> Recipe:
    try:
        text = read_text(path, MAX_TOML)
    except (OSError, ValueError) as e:
        raise UsageError(f"cannot read the recipe {path}: {e}", "give the path of a TOML file in UTF-8") from None
    return loads(text, str(path))


_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}


def _checked(kind: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The values of a table as arguments of a dataclass."""
    declared = {f.name: str(f.type) for f in fields(kind) if f.name != "input"}
    tables = ", [options], [[input]]" if "options" in declared else ""
    if "kind" in declared and "kind" not in table:
        raise UsageError(f"{where}: kind is missing", f"write kind = one of: {', '.join(KINDS)}")
    values = {}
    for key, value in table.items():
        if key not in declared:
            raise UsageError(f"{where}: unknown key {key!r}", f"allowed: {', '.join(k for k in declared if k != 'options')}{tables}")
        values[key] = _value(declared[key], value, f"{where}: {key}")
    return values


def _value(declared: str, value: Any, where: str) -> Any:
    if declared.startswith("Mapping"):
        if not isinstance(value, dict):
            raise UsageError(f"{where} must be a table, found {value!r}", "write [options] and its keys below")
        return value
    if declared.startswith("tuple"):
        element = declared[len("tuple[") :].split(",")[0]
        items: list[Any] = value if isinstance(value, list) else [value]
        return tuple(_value(element, v, where) for v in items)
    if isinstance(value, bool) != (declared == "bool") or not isinstance(value, _KINDS[declared]):
        raise UsageError(f"{where} must be of type {declared}, found {value!r}", "docs/quantize.md shows a recipe")
    return float(cast(float, value)) if declared == "float" else value  # TOML may give a whole number


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{key} = {value!r} does not exist", f"choose one of: {', '.join(allowed)}")
