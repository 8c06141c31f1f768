"""What had to be done to training images to read them, said once and counted."""

import re
from collections.abc import Iterator

from i2i.data.loading import Loaded


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
