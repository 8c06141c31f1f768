"""Translates what many ask for at once: a bounded queue, a few threads, and images of one size together."""

import math
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from numpy.typing import NDArray

from i2i.errors import I2iError
from i2i.pairs import Pixels
from i2i.translation import Translator

TOGETHER = 8
"""Images of one size that go through a network together."""


class BusyError(I2iError):
    """More is asked for than can wait."""


class ClosedError(I2iError):
    """The server ends."""


class Limits(NamedTuple):
    """What may wait, and how long."""

    images: int = 64
    """That wait at once."""
    pixels: int = 160_000_000
    """Of all images that wait."""
    seconds: float = 60.0
    """Until a picture is there."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One image that somebody waits for."""

    model: str
    item: Mapping[str, Pixels]
    made: "Future[NDArray[Any]]"

    @property
    def pixels(self) -> int:
        """Return how many pixels it has."""
        return max(math.prod(values.shape[:2]) for values in self.item.values())

    def fits(self, other: "Asked") -> bool:
        """Return whether both can be one batch."""
        return self.model == other.model and self.shapes == other.shapes

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each field."""
        return {name: values.shape for name, values in self.item.items()}


@dataclass
class Counts:
    """What has been done so far."""

    translated: int = 0
    batches: int = 0
    refused: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Of all pictures, from asking to having."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **counted: float) -> None:
        """Add to counts, by name."""
        with self.lock:
            for name, value in counted.items():
                setattr(self, name, getattr(self, name) + value)


class Service:
    """Translates in threads of its own; as a context, it ends with them.

    Args:
        translators: By name.
        workers: Threads, each of which runs one batch at a time.
        limits: What may wait.
    """

    def __init__(self, translators: Mapping[str, Translator], workers: int, limits: Limits) -> None:
        self.translators, self.limits, self.counts = dict(translators), limits, Counts()
        self._asked = deque[Asked]()
        self._changed = threading.Condition()
        self._open, self._being_read = True, 0
        self._threads = [threading.Thread(target=self._work, name=f"i2i-serve-{i}") for i in range(workers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._open = False
            for asked in self._asked:
                asked.made.cancel()
            self._asked.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def waiting(self) -> int:
        """Return how many images wait."""
        return len(self._asked)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count an image that is being read among those that wait.

        Raises:
            BusyError: If the queue is full.
        """
        with self._changed:
            self._check_room(self._being_read)
            self._being_read += 1
        try:
            yield
        finally:
            with self._changed:
                self._being_read -= 1

    def ask(self, model: str, item: Mapping[str, Pixels]) -> "Future[NDArray[Any]]":
        """Ask for the translation of an item; a future that is cancelled before its turn costs nothing.

        Args:
            model: Name of the translator.
            item: As `Translator.given` makes it.

        Raises:
            BusyError: If the queue is full.
            ClosedError: If the server ends.
        """
        asked = Asked(model, item, Future())
        with self._changed:
            if not self._open:
                raise ClosedError("The server ends. Ask another one.")
            self._check_room()
            self._asked.append(asked)
            self._changed.notify()
        return asked.made

    def _check_room(self, others: int = 0) -> None:
        """Refuse where nothing more can wait, beside so many others."""
        waiting = len(self._asked) + others
        if waiting >= self.limits.images or sum(asked.pixels for asked in self._asked) >= self.limits.pixels:
            self.counts.add(refused=1)
            raise BusyError(f"{waiting} images wait already. Ask again in a moment.")

    def _work(self) -> None:
        while batch := self._next():
            wanted = [asked for asked in batch if asked.made.set_running_or_notify_cancel()]
            if wanted:
                self._translate(wanted)

    def _next(self) -> list[Asked]:
        """Wait for an image, and take others along that fit it; nothing once the server ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or not self._open)
            if not self._asked:
                return []
            first = self._asked.popleft()
            others = [asked for asked in self._asked if asked.fits(first)][: TOGETHER - 1]
            for asked in others:
                self._asked.remove(asked)
            return [first, *others]

    def _translate(self, batch: list[Asked]) -> None:
        try:
            made = self.translators[batch[0].model].translate([asked.item for asked in batch])
        except BaseException as error:
            self.counts.add(failed=len(batch))
            for asked in batch:
                asked.made.set_exception(error)
        else:
            self.counts.add(translated=len(batch), batches=1)
            for asked, (picture,) in zip(batch, made, strict=True):
                asked.made.set_result(picture)
