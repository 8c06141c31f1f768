"""The work on one input, in a worker process: read, prepare, check, write, and say so in the journal."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from i2i.errors import DataError, I2iError, MissingInputError, OutputError, UsageError
from i2i.images import MAX_PIXELS, ImageError, Picture, encode, read, read_bytes, suffix_for
from i2i.images.reader import MIN_SIDE, TURNED
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i.places import hide_secrets, is_url
from i2i.plugins import describe
from i2i.preparation.journal import add_line
from i2i.preparation.listing import fetch
from i2i.preparation.outputs import images_of
from i2i.preparation.report import HALF_TURNED, Output, Row, Source
from i2i.preparation.request import Request
from i2i.preparation.splitting import contents_of, likeness_of
from i2i.preparation.tasks import Task, stamps_of, unread
from i2i.system.files import write_atomically

DECLARE = "Declare its range (--range)"


class JournaledTask(NamedTuple):
    """A task in the hands of a worker, and the journal to which the row about it is added."""

    task: Task
    journal: Path
    shard: str
    """Its identity."""
    number: int
    """Of the task in its shard."""


class Worker:
    """Does one job after another, in a process of its own.

    Args:
        request: What is asked for.

    Raises:
        I2iError: If the preparer cannot be constructed.
    """

    def __init__(self, request: Request) -> None:
        cv2.setNumThreads(1)
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints are in the report
        self.command = request.command
        self.preparer = request.construct()
        self.readings: Sequence[Reading] = getattr(self.preparer, "inputs", ())
        self.folder = request.dataset.outputs
        self.sources = request.sources
        """With their secrets, which must not come into the report."""
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)

    def __call__(self, job: JournaledTask) -> bytes:
        """Do a job and return the line that was added to the journal."""
        stamps = stamps_of(job.task)  # before it is read: what changes from now on is another image
        line = self._row(job.task).model_copy(update={"stamps": stamps}).to_line()
        add_line(job.journal, line)
        return line

    def _row(self, task: Task) -> Row:
        """Return what became of a task, once its files are written."""
        sources: list[Source] = []
        try:
            read = self._read(task, sources)
            pictures = [picture.pixels for picture in read]
            made = self._make(task, pictures)
            outputs = self._write(made, task.stem)
        except (OutputError, NotPairsError):
            raise
        except (DataError, MissingInputError, UsageError, MemoryError) as error:
            row = _left_out(task, sources, error)
            return row.model_copy(update={"message": hide_secrets(row.message, *self.sources)})
        images = list(made) if isinstance(made, tuple) else [made]
        turned = {TURNED in picture.notes for picture in read}
        seen = [pixels for pixels, reading in zip(pictures, self.readings, strict=False) if reading != "ids"]
        return Row(
            name=task.name,
            status="made",
            notes=(*(note for picture in read for note in picture.notes), *([HALF_TURNED] if len(turned) > 1 else ())),
            sources=tuple(sources),
            contents=contents_of([source.sha256 for source in sources], pictures, images),
            likeness=likeness_of(seen if read else images),
            group=task.group,
            split=task.split,
            outputs=tuple(outputs),
            metadata=dict(task.item.metadata) if task.item is not None else {},
        )

    def _read(self, task: Task, sources: list[Source]) -> list[Picture]:
        """Read all files of a task; what is known of each is added to ``sources``."""
        ranges = self.command.range * len(task.files) if len(self.command.range) == 1 else self.command.range
        pictures = []
        for number, (file, name) in enumerate(zip(task.files, task.file_names, strict=True)):
            where = f"'{name}'"  # not its path, which is another on every machine
            data = fetch(file, where) if is_url(file) else read_bytes(Path(file), where)
            sources.append(Source(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
            reading = self.readings[number]
            pictures.append(
                read(
                    data,
                    where=where,
                    max_pixels=self.command.max_pixels or MAX_PIXELS,
                    min_side=MIN_SIDE,
                    reading=reading,
                    value_range=ranges[number] if ranges and reading != "ids" else None,
                    declare=DECLARE,
                    allow="--max-pixels",
                )
            )
        return pictures

    def _make(self, task: Task, pictures: list[Pixels]) -> Pair | Pixels:
        """Have the preparer make a pair, or one image.

        Raises:
            PreparerError: If it fails, or what it makes are no images, or two of different sizes.
            NotPairsError: If it is no pair where one is needed.
        """
        command, preparer = self.command, self.preparer
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
            raise PreparerError(f"preparer {command.preparer!r} fails on {task.name!r}: {describe(error)}.") from error
        if command.pairs_only:
            raise NotPairsError(
                f"preparer {command.preparer!r} makes images and no pairs, which {command.pairs_only} is about. "
                "Leave it out."
            )
        return made

    def _write(self, made: Pair | Pixels, stem: str) -> list[Output]:
        alpha = bool(getattr(self.preparer, "makes_alpha", False))
        outputs = []
        for folder, pixels in images_of(made, self.command.layout):
            suffix = suffix_for(pixels, alpha=alpha)
            data = encode(pixels, suffix, alpha=alpha)
            place = Path(folder, f"{stem}{suffix}")
            write_atomically(self.folder / place, data, durable=False)  # all of a shard at once, when it is complete
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


class PreparerError(DataError):
    """A preparer that raised something it should not, or made no pair."""


class NotPairsError(UsageError):
    """Options of pairs, for a preparer that makes none."""


def _left_out(task: Task, read: Sequence[Source], error: Exception) -> Row:
    """Return why nothing was made of a task."""
    stamps = task.stamps or ("",) * len(task.files)
    rest = list(zip(task.files, task.file_names, stamps, strict=True))[len(read) :]
    sources = (*read, *(unread(file, name, stamp) for file, name, stamp in rest))
    reason, message = "unsuitable", str(error)
    if isinstance(error, SkipError | ImageError):
        reason = error.reason
    elif isinstance(error, PreparerError):
        reason = "preparer-failed"
    elif isinstance(error, MissingInputError):
        reason = "missing"
    elif isinstance(error, MemoryError):
        reason = "too-large"
        message = f"{task.name!r} needs more memory than a worker may have. Make it smaller."
    status: Literal["skipped", "rejected"] = "skipped" if isinstance(error, SkipError) else "rejected"
    return Row(name=task.name, status=status, reason=reason, message=message, sources=sources, group=task.group)
