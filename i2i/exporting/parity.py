"""Compare a file with the model that it was written of, at several sizes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from i2i.errors import ContractError
from i2i.exporters import Run
from i2i.fields import Field
from i2i.translation.exports import Backend, on, to_pictures
from i2i.translation.predictor import Predictor
from i2i.translation.translator import Translator

SHARE = 0.0005
"""Of values, those that may be one level off where the arithmetic is float32: sums in another order round otherwise."""
BLOBS = 24
"""Pixels from one colour of a drawn image to the next."""


class Parity(NamedTuple):
    """How far a file is from its model, at one size."""

    size: tuple[int, int]
    """Height and width."""
    levels: int
    """Largest difference, of 255; of class ids 0, or 1 where any differs."""
    share: float
    """Of values that differ."""


def compare(translator: Translator, run: Run, *, bare: bool) -> list[Parity]:
    """Translate drawn images of three sizes by both: of the training's, and of two that are mirrored outwards.

    Args:
        translator: The model.
        run: Of the file.
        bare: Whether it is the network alone.
    """
    (name,) = translator.predictor.sources
    source, made = translator.config.fields[name], translator.made
    found = []
    for number, size in enumerate(sizes(translator.config.size, translator.predictor.multiple)):
        drawn = draw(source, size, number)
        expected = _translated(translator.predictor, name, drawn, made)
        if bare:
            backend = Backend(run, bare=True, source=(name, source), made=made, name="the file")
            with on(backend, translator.predictor):
                other = _translated(translator.predictor, name, drawn, made)
        else:
            other = run(to_pictures(drawn, source))
        found.append(Parity(size, *_difference(expected, other, made)))
    return found


def sizes(size: tuple[int, int], multiple: int) -> Iterator[tuple[int, int]]:
    """Yield three heights and widths: of the training, a little larger, and one that is wide."""
    height, width = size
    yield size
    yield height + 5, width + 11
    yield max(height // 2 + 3, multiple + 1), width + 1


def draw(field: Field, size: tuple[int, int], seed: int) -> Tensor:
    """Draw one item of a field as networks see it, (1, C, H, W): soft blobs with a grain on them, or patches of ids."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows, columns = height // BLOBS + 2, width // BLOBS + 2
    if field.kind == "ids":
        coarse = rng.integers(0, field.channels, (rows, columns))
        ids = cv2.resize(coarse.astype(np.uint16), (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int64)
        if field.void is not None:
            ids = np.where(ids == field.void, -1, ids)
        return torch.from_numpy(ids == np.arange(field.channels)[:, None, None]).float()[None]
    coarse = rng.integers(0, 256, (rows, columns, field.channels)).astype(np.float32)
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in coarse.transpose(2, 0, 1)]
    pixels = (np.stack(planes) + rng.normal(0, 4, (field.channels, height, width))).round().clip(0, 255)
    return torch.from_numpy(pixels.astype(np.float32))[None] * (2 / 255) - 1


def check(found: Sequence[Parity], share: float) -> None:
    """Refuse a file that is not what its model is.

    Args:
        found: As `compare` returns it.
        share: Of values, those that may be one level off.

    Raises:
        ContractError: If it is not.
    """
    for parity in found:
        if parity.levels > 1 or parity.share > share:
            height, width = parity.size
            raise ContractError(
                f"What was written differs from the model at {width}x{height}: by up to {parity.levels} levels, in "
                f"{parity.share:.2%} of the values. At most one level in {share:.2%} was expected, so it is removed. "
                "Try other options of the format, such as form=plain."
            )


def _translated(predictor: Predictor, name: str, drawn: Tensor, made: Field) -> Any:
    result = predictor({name: _as_given(drawn, predictor, name)})
    return result.numpy()[..., None] if made.kind == "ids" else to_pictures(result, made)


def _as_given(drawn: Tensor, predictor: Predictor, name: str) -> Tensor:
    """Return ids (N, H, W) of what is one-hot; images as they are."""
    if predictor.fields[name].kind != "ids":
        return drawn
    return torch.where(drawn.amax(1) > 0, drawn.argmax(1), -100)


def _difference(expected: Any, found: Any, made: Field) -> tuple[int, float]:
    if found.shape != expected.shape:
        raise ContractError(
            f"What was written returns {tuple(found.shape)} where the model returns {tuple(expected.shape)}. It is "
            "removed. Try other options of the format."
        )
    off = np.abs(expected.astype(np.int64) - found.astype(np.int64))
    return int(off.max() > 0 if made.kind == "ids" else off.max()), float((off > 0).mean())
