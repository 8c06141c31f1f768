"""How a run goes: who is told, what had to be done to its images, and ``metrics.jsonl``."""

import errno
import json
import logging
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from i2i.data.loading import Loaded
from i2i.errors import DataError
from i2i.system.files import cannot_write
from i2i.training.updates import Applied

FLUSH_EVERY, FLUSH_SECONDS = 250, 1.0
"""Steps and seconds after which losses are brought from their device and written."""

_log = logging.getLogger(__name__)


class Reporter:
    """Tells nobody, and warns the logger ``i2i``; override what should be heard, see `i2i.contracts.Logger`."""

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Hear that the run begins: what it is, steps that are already done, steps in all."""

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hear that some steps are done; their rows of the metrics log, the newest last."""

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Hear the mean of each metric after a step, and whether it is the best so far."""

    def pictured(self, step: int, path: Path) -> None:
        """Hear that the samples of a step are drawn, and where."""

    def warned(self, text: str) -> None:
        """Hear something that is worth knowing, in one line."""
        _log.warning("%s", text)

    def ended(self, words: str) -> None:
        """Hear what became of the run: that it is done, or what ended it."""


class Unheard(Reporter):
    """Tells nobody anything: for processes that train beside the one which speaks."""

    def warned(self, text: str) -> None:
        """Say nothing."""


class ReadingNotes:
    """Collects what readers note of images until it is said; notes that differ in numbers alone are of one kind."""

    def __init__(self) -> None:
        self._noted: dict[str, dict[str, str]] = {}
        self._names: set[str] = set()
        self._said = False

    def add(self, loaded: Loaded) -> None:
        """Take the notes of a batch."""
        if self._said:
            return
        self._names.update(loaded.names)
        for name, note in loaded.notes:
            self._noted.setdefault(re.sub(r"\d+", "", note), {}).setdefault(name, note)

    def say(self) -> Iterator[str]:
        """Yield one line a kind, with the count of its pairs so far; nothing when called again."""
        if not self._said:
            self._said = True
            for pairs in self._noted.values():
                name, note = next(iter(pairs.items()))
                yield f"{note}, in {len(pairs)} of {len(self._names)} training pairs read so far, first in {name!r}."


class NonFiniteError(DataError):
    """A loss became NaN or infinite."""


class MetricsLog:
    """``metrics.jsonl``: one line a step, each once and in order, however often the run was killed.

    Losses and figures are collected on their device and written in bunches; a figure that is not finite as ``null``.

    Args:
        path: The file; created when missing.
        length: Bytes of it that belong to the state the run goes on from; what is beyond them is cut off.
    """

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
            self._file.truncate(min(length, path.stat().st_size))
        except OSError as error:
            raise cannot_write(path, error) from error
        self._pending: list[tuple[dict[str, Any], list[str], Applied]] = []
        self._flushed = -math.inf

    def add(self, step: int, names: list[str], applied: Applied, **facts: Any) -> None:
        """Note what one step's updates yielded (left on its device) and whatever else is known of the step."""
        self._pending.append(({"step": step, **facts}, names, applied))

    @property
    def is_full(self) -> bool:
        """Return whether it is time to `flush`: after the first step, then every second, and before there is too much.

        One copy from the device, for which it has to be waited, then brings the losses of all these steps.
        """
        return len(self._pending) >= FLUSH_EVERY or time.monotonic() - self._flushed >= FLUSH_SECONDS

    def flush(self) -> list[dict[str, Any]]:
        """Write what was noted and return it as rows of numbers; one copy from the device for all of them.

        Raises:
            NonFiniteError: If a loss is not finite; nothing from that step on is written.
            OutputError: If the file cannot be written.
        """
        self._flushed = time.monotonic()
        scalars = [
            scalar
            for _, _, applied in self._pending
            for scalar in (*applied.losses.values(), *applied.figures.values())
        ]
        values = iter(
            torch.stack([scalar.to(scalars[0].device, torch.float32) for scalar in scalars]).tolist() if scalars else []
        )
        rows: list[dict[str, Any]] = []
        for facts, names, applied in self._pending:
            row = {**facts, **{name: next(values) for name in (*applied.losses, *applied.figures)}}
            row |= {name: None for name in applied.figures if not math.isfinite(row[name])}
            broken = [name for name in applied.losses if not math.isfinite(row[name])]
            if broken:
                self._write(rows)
                raise NonFiniteError(_reason(row, broken[0], names))
            rows.append(row)
        self._pending.clear()
        self._write(rows)
        return rows

    def note(self, **facts: Any) -> None:
        """Write one line that belongs to no single step's losses, such as a validation."""
        self._write([facts])

    def sync(self) -> int:
        """Put everything on disk; returns the length of the file in bytes.

        Raises:
            OutputError: If that is not possible.
        """
        try:
            os.fsync(self._file.fileno())
            return self._path.stat().st_size
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, rows: list[dict[str, Any]]) -> None:
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        try:
            written = self._file.write(data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a disk that fills takes a part in silence
        except OSError as error:
            raise cannot_write(self._path, error, len(data)) from error


class UnwrittenLog(MetricsLog):
    """The log of a process that trains beside the one which writes: it finds what is not finite, as that does."""

    def __init__(self) -> None:
        self._pending, self._flushed = [], time.monotonic()

    def sync(self) -> int:
        """Do nothing; there are no bytes."""
        return 0

    def close(self) -> None:
        """Do nothing."""

    def _write(self, rows: list[dict[str, Any]]) -> None:
        pass


def _reason(row: Mapping[str, Any], loss: str, names: list[str]) -> str:
    images = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return (
        f"Loss {loss!r} is {row[loss]} at step {row['step']} (images: {images}). "
        "Look at these images; else begin a run with a lower optimizer.lr. No checkpoint holds it."
    )
