"""Reports how a run goes: to whom, and what had to be done to its images to read them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from i2i.data.loading import Loaded


class Reporter:
    """Tells nobody; override what should be heard."""

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Hear that the run begins: what it is, steps that are already done, steps in all."""

    def advanced(self, row: Mapping[str, Any]) -> None:
        """Hear that some steps are done; the newest one's row of the metrics log."""

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Hear the mean of each metric after a step, and whether it is the best so far."""

    def warned(self, text: str) -> None:
        """Hear something that is worth knowing, in one line."""


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
