"""What happens in a worker process: read, prepare, check, write."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from i2i import options as component_options
from i2i.errors import DataError, I2iError, MissingInputError, OutputError, UsageError
from i2i.files import write_atomically
from i2i.images import ImageError, encode
from i2i.images.reader import Picture, decode
from i2i.images.source import read_bytes
from i2i.pairs import Pair, Pixels, Preparer, range_of
from i2i.plugins import describe
from i2i.preparation.inputs import Task
from i2i.preparation.layouts import Layout, files_of
from i2i.preparation.report import Output, Row, Source

MIN_SIDE = 16
"""Smallest height and width of an image that is worth learning from."""


class Settings(NamedTuple):
    """What a worker needs to know."""

    name: str
    cls: type[Any]
    options: Mapping[str, Any]
    layout: Layout
    max_pixels: int
    folder: Path
    """Where files go until all are done."""


def build(settings: Settings) -> Callable[[Task], Row]:
    """The function that does one task.

    Raises:
        I2iError: If the preparer cannot be constructed.
    """
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints are in the report
    owner = f"preparer {settings.name!r}"
    try:
        preparer = component_options.build(settings.cls, options=settings.options, owner=owner)
    except I2iError:
        raise
    except Exception as error:
        raise UsageError(f"{owner} cannot be constructed: {describe(error)}.") from error
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

    def work(task: Task) -> Row:
        return _work(task, preparer, settings)

    return work


def _work(task: Task, preparer: Preparer, settings: Settings) -> Row:
    sources: list[Source] = []
    try:
        pictures = [
            _read(file, name, settings.max_pixels, sources)
            for file, name in zip(task.files, task.file_names, strict=True)
        ]
        pair = _prepared(preparer, [picture.pixels for picture in pictures], settings.name, task.name)
        files = files_of(pair, task.stem, settings.layout)
        outputs = [_write(settings.folder, file, pixels) for file, pixels in files]
    except OutputError:
        raise
    except (DataError, MissingInputError, UsageError, MemoryError) as error:
        too_much = f"{task.name!r} needs more memory than a worker may have. Make it smaller."
        message = too_much if isinstance(error, MemoryError) else str(error)
        return Row(name=task.name, status="rejected", reason=_reason(error), message=message, sources=tuple(sources))
    notes = tuple(note for picture in pictures for note in picture.notes)
    return Row(name=task.name, status="made", notes=notes, sources=tuple(sources), outputs=tuple(outputs))


def _read(file: Path, name: str, max_pixels: int, sources: list[Source]) -> Picture:
    where = f"'{name}'"  # not its path, which is another on every machine
    data = read_bytes(file, where)
    sources.append(Source(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
    return decode(data, where, max_pixels=max_pixels, min_side=MIN_SIDE)


def _prepared(preparer: Preparer, images: list[Pixels], owner: str, name: str) -> Pair:
    """The pair that the preparer makes.

    Raises:
        PreparerError: If it fails, or what it makes are no images.
    """
    try:
        pair = preparer(*images)
        for image in pair:
            range_of(image.dtype)
            if image.ndim != 3 or 0 in image.shape:
                raise TypeError(f"it made an image of shape {image.shape}, not (H, W, C)")
        return Pair(*pair)
    except (I2iError, MemoryError):
        raise
    except Exception as error:  # a stranger's code; one input must not end the run
        raise PreparerError(f"preparer {owner!r} fails on {name!r}: {describe(error)}.") from error


class PreparerError(DataError):
    """A preparer that raised something it should not, or made no pair."""


REASONS: dict[type[BaseException], str] = {
    PreparerError: "preparer-failed",
    MissingInputError: "missing",
    MemoryError: "too-large",
}


def _reason(error: BaseException) -> str:
    if isinstance(error, ImageError):
        return error.reason
    return next((reason for kind, reason in REASONS.items() if isinstance(error, kind)), "unsuitable")


def _write(folder: Path, file: str, pixels: Pixels) -> Output:
    height, width, channels = pixels.shape
    data = encode(pixels, Path(file).suffix)
    write_atomically(folder / file, data)
    digest = hashlib.sha256(data).hexdigest()
    return Output(file=file, sha256=digest, height=height, width=width, channels=channels, dtype=str(pixels.dtype))
