"""The recipe: everything that decides how a model is quantized and scored, as one TOML file. An unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import tomli_w

from edgeq_host.errors import UsageError
from edgeq_host.files import MAX_TOML, read_text, toml
from edgeq_host.quant import calibrators, methods
from edgeq_host.quant.precision import BYTE, FLOAT, GROUP_BITS, GROUPS, Kind, Precision, parse, parse_list

KINDS = ("image", "vector")
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm")  # files that an input of kind "image" takes
RESIZE_RULES = ("stretch", "crop", "none")
CHANNEL_ORDERS = ("RGB", "BGR", "gray")
_OF_IMAGES = ("size", "resize", "channels")
BIAS_CORRECTION = "bias_correction"
NESTED_PRECISIONS = ("int8", "w4a8")  # in any order


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
class Layer:
    """Layers that are called `match` (a name, or a pattern with * and ?) differ from the rest; of several tables the last one holds.

    precision, group: empty, None: as the rest has it. variant: the precision of the file in which it holds; empty: in all of integers.
    """

    match: str
    precision: str = ""
    group: int | None = None
    variant: str = ""

    def __post_init__(self) -> None:
        if not self.match:
            raise UsageError("[[layer]] match is empty", "give the name of a layer, or a pattern such as 'block_*'")
        for key in ("precision", "variant"):
            object.__setattr__(self, key, parse(value).name if (value := getattr(self, key)) else "")
        if self.group is not None:
            _group("[[layer]] group", self.group)
        elif not self.precision:
            raise UsageError(f"[[layer]] match = {self.match!r} asks for nothing", "give precision or group, or leave the table out")


@dataclass(frozen=True)
class Step:
    """A method that chooses or corrects weights, with its options."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        methods.options(self.method, self.options)


DEFAULT_STEPS = tuple(Step(method, options) for method, options in methods.DEFAULT)


@dataclass(frozen=True)
class Recipe:
    """precision: one, or several with commas, each a variant of the file. options: of the calibrator.

    group: inputs that share a multiplier, in weights of at most 4 bits; 0: none. int8_ends: first and last layers are int8 in
    every variant. step: methods in their order; None: DEFAULT_STEPS. input: preprocessing per model input; none: the model takes
    what its source takes. nested: int8 and w4a8 share their weights.
    """

    precision: str = "int8"
    calibrator: str = calibrators.METHODS[0]
    options: Mapping[str, Any] = field(default_factory=dict)
    group: int = 0
    int8_ends: bool = True
    seed: int = 0
    metric: str = "top1"
    labels: tuple[str, ...] = ()
    layer: tuple[Layer, ...] = ()
    step: tuple[Step, ...] | None = None
    input: tuple[Input, ...] = ()
    nested: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "precision", ",".join(p.name for p in self.precisions))
        if self.seed < 0:
            raise UsageError(f"seed = {self.seed}: it must not be negative", "give 0 or more")
        _group("group", self.group)
        calibrators.options(self.calibrator_in_force, dict(self.options))
        methods.check_order([s.method for s in self.steps])
        if self.nested:
            self._check_nested()
        for layer in self.layer:
            if layer.variant and layer.variant not in (names := [p.name for p in self.precisions]):
                raise UsageError(f"[[layer]] variant = {layer.variant!r} is not made", f"precision names: {', '.join(names)}")

    def _check_nested(self) -> None:
        if _names(self) != NESTED_PRECISIONS:
            found = f"nested is for {' and '.join(NESTED_PRECISIONS)}, which share their weights; precision is {self.precision}"
            raise UsageError(found, f"give --precision {','.join(NESTED_PRECISIONS)}, or leave --nested out")
        if self.group:
            raise UsageError(f"nested weights have no groups; group is {self.group}", "leave out --group, or --nested")
        if BIAS_CORRECTION not in [s.method for s in self.steps]:
            raise UsageError(
                f"nested weights need the step {BIAS_CORRECTION!r}: without it int4 loses much",
                f"add [[step]] method = {BIAS_CORRECTION!r}",
            )

    @property
    def precisions(self) -> tuple[Precision, ...]:
        return parse_list(self.precision)

    @property
    def steps(self) -> tuple[Step, ...]:
        return DEFAULT_STEPS if self.step is None else self.step

    @property
    def calibrator_in_force(self) -> str:
        """What auto is: min-max where no activation has 4 or 2 bits."""
        narrow = any(1 < p.activations < BYTE for p in self.named)
        return "minmax" if self.calibrator == calibrators.METHODS[0] and not narrow else self.calibrator

    @property
    def named(self) -> list[Precision]:
        """Of the variants, and of single layers."""
        return [*self.precisions, *(parse(layer.precision) for layer in self.layer if layer.precision)]

    @property
    def kinds(self) -> list[Kind]:
        """Of the weights that may be made."""
        return [p.weights for p in self.named if p.weights is not None]

    def in_force(self, calibrated: bool) -> tuple[Step, ...]:
        """The steps that touch weights of a width that is made, and have what they need."""
        least = min((kind.bits for kind in self.kinds), default=9)
        found = [(step, methods.options(step.method, step.options)) for step in self.steps]
        return tuple(s for s, o in found if o.max_bits >= least and (calibrated or not methods.collects(s.method)))


def _names(recipe: Recipe) -> tuple[str, ...]:
    return tuple(sorted(p.name for p in recipe.precisions))


def _group(key: str, value: int) -> None:
    if value not in (0, *GROUPS):
        raise UsageError(f"{key} = {value}: there are no such groups", f"0 (none), or {', '.join(map(str, GROUPS))} inputs")


def loads(text: str, where: str = "the recipe") -> Recipe:
    try:
        table = toml(text)
    except ValueError as e:
        raise UsageError(f"{where} is not TOML: {e}", "docs/quantize.md shows a recipe") from None
    inputs, layers = (_tables(table, key, where) for key in ("input", "layer"))
    given = "step" in table or BIAS_CORRECTION in table
    steps = [_step(s, where) for s in _tables(table, "step", where)]
    if _value("bool", table.pop(BIAS_CORRECTION, False), f"{where}: {BIAS_CORRECTION}"):  # so said before there were steps
        steps.append(Step(BIAS_CORRECTION))
    return Recipe(
        **_checked(Recipe, table, where),
        layer=tuple(Layer(**_checked(Layer, i, f"{where}, [[layer]]")) for i in layers),
        step=tuple(steps) if given else None,
        input=tuple(Input(**_checked(Input, i, f"{where}, [[input]]")) for i in inputs),
    )


def _tables(table: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    found = table.pop(key, [])
    if not isinstance(found, list) or not all(isinstance(i, dict) for i in found):
        raise UsageError(f"{where}: {key} must be a list of tables", f"write [[{key}]] above each")
    return found


def _step(table: dict[str, Any], where: str) -> Step:
    method = table.pop("method", None)
    if not isinstance(method, str):
        raise UsageError(f"{where}, [[step]]: method is missing or no text", f"write method = one of: {', '.join(methods.METHODS)}")
    return Step(method, table)


def dumps(recipe: Recipe, calibrated: bool = True) -> str:
    """TOML of every value that is in force, defaults too; loads() gives a recipe that does the same.

    calibrated: without calibration, what only calibration reads is not in force.
    """
    table = asdict(recipe)
    inputs, options, layers, _ = (table.pop(key) for key in ("input", "options", "layer", "step"))
    steps = recipe.in_force(calibrated)
    table["calibrator"] = recipe.calibrator_in_force
    options = asdict(calibrators.options(recipe.calibrator_in_force, options)) if calibrated else {}
    least = min((kind.bits for kind in recipe.kinds), default=9)
    unread = [key for key, read in (("calibrator", calibrated), ("group", least <= GROUP_BITS)) if not read]
    unread += [] if _names(recipe) == NESTED_PRECISIONS else ["nested"]
    unread += ["int8_ends"] if all(p.name in ("int8", FLOAT) for p in recipe.precisions) else []
    none = ["step = []"] if not steps and replace(recipe, step=None).in_force(calibrated) else []
    parts = [[*_lines({key: value for key, value in table.items() if key not in unread}), *none]]
    parts += [["[options]", *_lines(options)]] if options else []
    parts += [["[[layer]]", *_lines({k: v for k, v in layer.items() if v is not None})] for layer in layers]
    parts += [["[[step]]", *_lines({"method": s.method} | asdict(methods.options(s.method, s.options)))] for s in steps]
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
_REQUIRED = {"kind": "one of: " + ", ".join(KINDS), "match": "the name of a layer, or a pattern"}
_LISTS = ("input", "layer", "step")


def _checked(kind: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The values of a table as arguments of a dataclass."""
    declared = {f.name: str(f.type) for f in fields(kind) if f.name not in _LISTS}
    tables = ", [options], [[layer]], [[step]], [[input]]" if "options" in declared else ""
    for key, words in _REQUIRED.items():
        if key in declared and key not in table:
            raise UsageError(f"{where}: {key} is missing", f"write {key} = {words}")
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
    declared = declared.removesuffix(" | None")
    if isinstance(value, bool) != (declared == "bool") or not isinstance(value, _KINDS[declared]):
        raise UsageError(f"{where} must be of type {declared}, found {value!r}", "docs/quantize.md shows a recipe")
    return float(cast(float, value)) if declared == "float" else value  # TOML may give a whole number


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{key} = {value!r} does not exist", f"choose one of: {', '.join(allowed)}")
