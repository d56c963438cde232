"""Image files as the uint8 arrays that a recipe's image input takes: [1, height, width, channels], RGB or gray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from edgeq_host.archive import reason
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array
from edgeq_host.recipe import Input, Recipe

# Told by the bytes: what the suffixes promise, and what pictures from the web are at times in their place. Others of Pillow's decoders
# run programs (EPS) or were never meant for files of strangers.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")


def image_reader(name: str, shape: tuple[int, ...], dtype: str, recipe: Recipe) -> Callable[[Path], Array]:
    """A function from a file to the model's input `name`."""
    items = [i for i in recipe.input if i.name in ("", name) and i.kind == "image"]
    if not items:
        hint = "quantize it with a recipe whose [[input]] has kind = 'image', or give arrays"
        raise UsageError(f"input {name} takes no images: the model's recipe does not say how", hint)
    if dtype != "u8" or len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
        raise ModelError(f"input {name} takes {dtype} {list(shape)}, no uint8 image", "quantize the float model with this recipe")
    return lambda path: _read(path, items[0], shape)


def _read(path: Path, item: Input, shape: tuple[int, ...]) -> Array:
    height, width, channels = shape[1:]
    try:
        with Image.open(path, formats=_FORMATS) as file:
            image = file.convert("L" if channels == 1 else "RGB")
    except Exception as e:  # Pillow raises whatever its decoders meet in a damaged file
        raise ModelError(f"{path} is not a readable image: {reason(e)}", "remove it or write it again as .png") from None
    image = _resized(path, image, item.resize, height, width)
    return np.asarray(image, np.uint8).reshape(shape)


def _resized(path: Path, image: Image.Image, rule: str, height: int, width: int) -> Image.Image:
    if rule == "none":
        if image.size != (width, height):
            found = f"{path} is {image.height} x {image.width}, the model takes {height} x {width}"
            raise ModelError(found, "use resize = 'stretch' or 'crop'")
        return image
    box = _middle(image.width, image.height, width, height) if rule == "crop" else None
    return image.resize((width, height), Image.Resampling.BILINEAR, box)


def _middle(have_w: int, have_h: int, want_w: int, want_h: int) -> tuple[float, float, float, float]:
    """The largest part with the wanted proportions, in the middle."""
    factor = min(have_w / want_w, have_h / want_h)
    w, h = want_w * factor, want_h * factor
    return (have_w - w) / 2, (have_h - h) / 2, (have_w + w) / 2, (have_h + h) / 2
