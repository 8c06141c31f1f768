"""Between the values that users have and those that networks see, as a model's fields declare them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from i2i import images
from i2i.data.dataset import stack
from i2i.data.tensors import check_field, to_pixels
from i2i.errors import DataError
from i2i.fields import Column, Field
from i2i.images.ranges import extremes
from i2i.pairs import Pixels

UNDECLARED = "The model was trained without a range for such numbers: scale them to what its training images held"


def is_declared(field: Field) -> bool:
    """Return whether any range was declared, so that results are numbers in it instead of brightness."""
    return any(field.ranges)


def to_values(given: Sequence[Any], field: Field, name: str) -> Pixels:
    """Turn what a user gives for a field into values as datasets yield them.

    Args:
        given: Arrays, or PIL images: one with all channels, or one for each column.
        field: What the field is.
        name: How it is called.

    Raises:
        DataError: If it is something else than the field, or values are beyond their range.
    """
    if field.kind == "image":
        return to_network([_array(image) for image in given], field)
    if len(given) != 1:
        raise DataError(f"{len(given)} arrays are given for {name}. It is one.")
    if field.kind == "vector":
        values = np.asarray(given[0], np.float32)
    else:
        values = np.asarray(given[0])  # of an image with a palette, its indices
        values = values.astype(np.uint8) if values.dtype == np.bool_ else values
        values = values[:, :, None] if values.ndim == 2 else values
    check_field(values, field, name)
    return values


def _array(image: Any) -> NDArray[Any]:
    pixels = images.from_pillow(image) if isinstance(image, Image.Image) else np.asarray(image)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3:
        raise DataError(f"An image has shape (H, W) or (H, W, C), got {pixels.shape}. Give several in a list.")
    return pixels


def to_network(arrays: Sequence[NDArray[Any]], field: Field) -> Pixels:
    """Turn one source in the user's numbers into `i2i.pairs.Pixels`.

    Args:
        arrays: (H, W, C) each: one with all channels, or one for each column.
        field: What the model's sources are.

    Raises:
        DataError: If they have other channels than the field, or values are beyond their range.
    """
    if len(arrays) == 1 and len(field.columns) < 2:
        return _scaled(arrays[0], next(iter(field.ranges), None), "The image")
    if len(arrays) == 1:
        if arrays[0].shape[2] != field.channels:
            raise wrong_channels(arrays[0].shape[2], field)
        arrays = [part for part, _ in _parts(arrays[0], field.columns)]
    if len(arrays) != len(field.columns):
        names = ", ".join(column.name for column in field.columns) or "one image"
        raise DataError(f"{len(arrays)} images are given, the model takes {names}.")
    parts = [_scaled(array, column.range, column.name) for array, column in zip(arrays, field.columns, strict=True)]
    return _stacked(parts, field, [column.name for column in field.columns])


def _scaled(values: NDArray[Any], span: images.Range | None, where: str) -> Pixels:
    if span is not None:
        return images.scaled(values, span, where)
    if values.dtype == np.float32 and not np.abs(values).max() <= 1:
        raise DataError(f"{where} has values outside [-1, 1], {extremes(values)}. {UNDECLARED}.")
    if values.dtype not in (np.uint8, np.uint16, np.float32):
        raise DataError(f"{where} holds {values.dtype}. Give uint8, uint16 or float32 in [-1, 1].")
    return values


def _stacked(parts: Sequence[Pixels], field: Field, names: Sequence[object]) -> Pixels:
    if len({part.shape[:2] for part in parts}) > 1:
        sizes = ", ".join(f"{name} is {part.shape[1]}x{part.shape[0]}" for name, part in zip(names, parts, strict=True))
        raise DataError(f"{sizes}. Images of one source have one size.")
    counts = (column.channels for column in field.columns)
    return stack([images.with_channels(part, count) for part, count in zip(parts, counts, strict=True)])


def wrong_channels(channels: int, field: Field) -> DataError:
    """Return the one line about an image that does not have what a field of several columns is put together of."""
    names = " and ".join(f"{column.name} ({column.channels})" for column in field.columns)
    return DataError(f"The image has {channels} channels, the model takes {field.channels}: {names}. Give all of them.")


def read(files: Sequence[Path | bytes], field: Field, max_pixels: int = images.MAX_PIXELS) -> images.Picture:
    """Read a field from one file, or from one for each column; see `Translator.read`."""
    if field.kind == "ids":
        (file,) = files
        picture = images.read(file, reading="ids", max_pixels=max_pixels, allow="--max-pixels")
        check_field(picture.pixels, field, _named(file))
        return picture
    if len(files) == 1:
        if len(set(field.ranges)) > 1:
            names = ", ".join(column.name for column in field.columns)
            where = _named(files[0])
            raise DataError(f"{where}: its channels have different ranges. Give a folder for each of {names}.")
        return _read(files[0], next(iter(field.ranges), None), max_pixels)
    pairs = zip(files, field.columns, strict=True)
    pictures = [_read(file, column.range, max_pixels) for file, column in pairs]
    pixels = _stacked([picture.pixels for picture in pictures], field, [_named(file) for file in files])
    return images.Picture(pixels, tuple(note for picture in pictures for note in picture.notes))


def _named(file: Path | bytes) -> str:
    return "the image" if isinstance(file, bytes) else str(file)


def _read(file: Path | bytes, span: images.Range | None, max_pixels: int) -> images.Picture:
    return images.read(file, value_range=span, max_pixels=max_pixels, declare=UNDECLARED, allow="--max-pixels")


def from_made(made: Tensor, field: Field) -> Pixels:
    """Turn what a network makes of one item into values as datasets yield them.

    Args:
        made: (C, H, W) of an image, (H, W) of class ids, (C,) of a vector.
        field: What it is.

    Returns:
        (H, W, C) in the dtype of the data; (H, W, 1) of class ids; (C,) float32 of a vector.
    """
    if field.kind == "image":
        return to_pixels(made, field.dtype)
    if field.kind == "vector":
        return made.float().cpu().numpy()
    dtype = field.dtype if field.dtype in ("uint8", "uint16") else np.min_scalar_type(field.channels - 1)
    return made.cpu().numpy().astype(dtype)[:, :, None]


def from_network(pixels: Pixels, field: Field) -> NDArray[Any]:
    """Return a result in the numbers that were declared, float32; as it is where none were."""
    if not is_declared(field):
        return pixels
    parts = _parts(pixels, field.columns)
    return np.concatenate([images.unscaled(part, column.range) if column.range else part for part, column in parts], 2)


def _parts(values: NDArray[Any], columns: Sequence[Column]) -> Iterator[tuple[NDArray[Any], Column]]:
    start = 0
    for column in columns:
        yield values[..., start : start + column.channels], column
        start += column.channels
