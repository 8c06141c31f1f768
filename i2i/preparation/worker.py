"""What happens in a worker process: read, prepare, check, write, and say so in the journal."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from i2i import options as component_options
from i2i.errors import DataError, I2iError, MissingInputError, OutputError, UsageError
from i2i.images import ImageError, encode, suffix_for
from i2i.images.formats.header import read_bytes
from i2i.images.formats.open_file import MAX_BYTES
from i2i.images.ranges import Range
from i2i.images.reader import Picture, decode
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i.places import is_url
from i2i.plugins import describe
from i2i.preparation.contents import contents_of, likeness_of
from i2i.preparation.journal import Entry, Part
from i2i.preparation.layouts import PairFiles, images_of
from i2i.preparation.listing import remote
from i2i.preparation.report import Output, Row, Source
from i2i.preparation.tasks import Task, stamps_of, unread
from i2i.system.files import write_atomically

DECLARE = "Declare its range (--range)"
MIN_SIDE = 16
"""Smallest height and width of an image that is worth learning from."""


class Settings(NamedTuple):
    """What a worker needs to know."""

    name: str
    cls: type[Any]
    options: Mapping[str, Any]
    layout: PairFiles
    max_pixels: int
    folder: Path
    """Where files go until all are done."""
    ranges: tuple[Range, ...] = ()
    """Declared ranges of the inputs: none, one for all, or one for each."""
    pairs_only: str = ""
    """Flags that were given and have no meaning unless pairs are made."""


class Job(NamedTuple):
    """A task, and where it is written down that it is done."""

    task: Task
    journal: Path
    shard: int
    number: int
    """Of the task in its shard."""


def build(settings: Settings) -> Callable[[Job], bytes]:
    """The function that does one job and returns the line that it has added to the journal.

    Raises:
        I2iError: If the preparer cannot be constructed.
    """
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints are in the report
    preparer = construct(settings.name, settings.cls, settings.options)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    part = Part()

    def work(job: Job) -> bytes:
        stamps = stamps_of(job.task)  # before it is read: what changes from now on is another image
        row = _row(job.task, preparer, settings)
        line = Entry(stem=job.task.stem, stamps=stamps, row=row).to_line()
        part.add(job.journal, line)
        return line

    return work


def construct(name: str, cls: type[Any], options: Mapping[str, Any]) -> Any:
    """The preparer.

    Raises:
        I2iError: If it cannot be constructed.
    """
    owner = f"preparer {name!r}"
    try:
        return component_options.build(cls, options=options, owner=owner)
    except I2iError:
        raise
    except Exception as error:  # a stranger's code
        raise UsageError(f"{owner} cannot be constructed: {describe(error)}.") from error


def _row(task: Task, preparer: Any, settings: Settings) -> Row:
    """What became of a task, once its files are written."""
    sources: list[Source] = []
    row = Row(name=task.name, status="rejected", group=task.group)
    try:
        pictures = _read_all(task, settings, sources)
        made = _made(preparer, task, [picture.pixels for picture in pictures], settings)
        outputs = _write_all(made, task.stem, preparer, settings)
    except (OutputError, NotPairsError):
        raise
    except SkipError as error:
        told = {"status": "skipped", "reason": error.reason, "message": str(error)}
        return row.model_copy(update={**told, "sources": _all_sources(task, sources)})
    except (DataError, MissingInputError, UsageError, MemoryError) as error:
        too_much = f"{task.name!r} needs more memory than a worker may have. Make it smaller."
        message = too_much if isinstance(error, MemoryError) else str(error)
        return row.model_copy(
            update={"reason": _reason(error), "message": message, "sources": _all_sources(task, sources)}
        )
    images = list(made) if isinstance(made, tuple) else [made]
    read = [picture.pixels for picture in pictures]
    readings = getattr(settings.cls, "inputs", ())
    seen = [pixels for pixels, reading in zip(read, readings, strict=False) if reading != "ids"]
    item = task.item
    return Row(
        name=task.name,
        status="made",
        notes=tuple(note for picture in pictures for note in picture.notes),
        sources=tuple(sources),
        contents=contents_of([source.sha256 for source in sources], read, images),
        likeness=likeness_of(seen if pictures else images),
        group=task.group,
        split=task.split,
        outputs=tuple(outputs),
        metadata=dict(item.metadata) if item is not None else {},
    )


def _read_all(task: Task, settings: Settings, sources: list[Source]) -> list[Picture]:
    readings: Sequence[Reading] = settings.cls.inputs if task.files else ()
    ranges = settings.ranges * len(task.files) if len(settings.ranges) == 1 else settings.ranges
    pictures = []
    for number, (file, name) in enumerate(zip(task.files, task.file_names, strict=True)):
        where = f"'{name}'"  # not its path, which is another on every machine
        data = _fetched(file, where) if is_url(file) else read_bytes(Path(file), where)
        sources.append(Source(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
        declared = ranges[number] if ranges and readings[number] != "ids" else None
        pictures.append(
            decode(
                data,
                where,
                max_pixels=settings.max_pixels,
                min_side=MIN_SIDE,
                reading=readings[number],
                value_range=declared,
                declare=DECLARE,
                allow="--max-pixels",
            )
        )
    return pictures


def _all_sources(task: Task, read: Sequence[Source]) -> tuple[Source, ...]:
    """Every file of a task: those that were read, and those that were not any more."""
    stamps = task.stamps or ("",) * len(task.files)
    rest = list(zip(task.files, task.file_names, stamps, strict=True))[len(read) :]
    return (*read, *(unread(file, name, stamp) for file, name, stamp in rest))


def _fetched(url: str, where: str) -> bytes:
    """The bytes of a file in an object store.

    Raises:
        ImageError: If it is empty, larger than any image, or the store does not give it.
    """
    try:
        with remote(url).open("rb") as stream:
            data: bytes = stream.read(MAX_BYTES + 1)
    except Exception as error:  # every store has errors of its own
        raise ImageError("unreadable", f"{where} cannot be read: {describe(error)}.") from error
    if not data:
        raise ImageError("empty", f"{where} is empty. Copy it again.")
    if len(data) > MAX_BYTES:
        raise ImageError("too-large", f"{where} has more than {MAX_BYTES} bytes. Make it smaller.")
    return data


def _made(preparer: Any, task: Task, pictures: list[Pixels], settings: Settings) -> Pair | Pixels:
    """What the preparer makes: a pair, or one image.

    Raises:
        PreparerError: If it fails, or what it makes are no images, or two of different sizes.
        NotPairsError: If it is no pair where one is needed.
    """
    try:
        made = preparer.make(task.item) if task.item is not None else preparer(*pictures)
        images = (made,) if isinstance(made, np.ndarray) else tuple(made)
        for image in images:
            range_of(image.dtype)
            if image.ndim != 3 or 0 in image.shape:
                raise TypeError(f"it made an image of shape {image.shape}, not (H, W, C)")
        if not isinstance(made, np.ndarray):
            source, target = made
            if source.shape[:2] != target.shape[:2]:
                sizes = " and ".join(f"{image.shape[1]}x{image.shape[0]}" for image in made)
                raise ValueError(f"it made a source and a target of different sizes, {sizes}")
            return Pair(source, target)
    except (I2iError, MemoryError):
        raise
    except Exception as error:  # a stranger's code; one input must not end the run
        raise PreparerError(f"preparer {settings.name!r} fails on {task.name!r}: {describe(error)}.") from error
    if settings.pairs_only:
        raise NotPairsError(
            f"preparer {settings.name!r} makes images and no pairs, which {settings.pairs_only} is about. Leave it out."
        )
    return made


class PreparerError(DataError):
    """A preparer that raised something it should not, or made no pair."""


class NotPairsError(UsageError):
    """Options of pairs, for a preparer that makes none."""


REASONS: dict[type[BaseException], str] = {
    PreparerError: "preparer-failed",
    MissingInputError: "missing",
    MemoryError: "too-large",
}


def _reason(error: BaseException) -> str:
    if isinstance(error, ImageError):
        return error.reason
    return next((reason for kind, reason in REASONS.items() if isinstance(error, kind)), "unsuitable")


def _write_all(made: Pair | Pixels, stem: str, preparer: Any, settings: Settings) -> list[Output]:
    alpha = bool(getattr(preparer, "makes_alpha", False))
    outputs = []
    for folder, pixels in images_of(made, settings.layout):
        suffix = suffix_for(pixels, alpha=alpha)
        data = encode(pixels, suffix, alpha=alpha)
        place = Path(folder, f"{stem}{suffix}")
        write_atomically(settings.folder / place, data, durable=False)  # all of a shard at once, when it is complete
        height, width, channels = pixels.shape
        outputs.append(
            Output(
                file=place.as_posix(),
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                height=height,
                width=width,
                channels=channels,
                dtype=str(pixels.dtype),
            )
        )
    return outputs
