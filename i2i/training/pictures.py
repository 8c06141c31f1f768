"""The pictures of a run: samples of the same items, drawn early, by the clock and at each validation."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from i2i import images
from i2i.pairs import Pixels
from i2i.samples import LAYOUT, Layout, drawn, picture_of
from i2i.system.files import write_atomically

EARLY = 100
"""Step after which there is a picture however quick the steps are."""
KEPT = 60
"""Pictures that are kept of those that the clock asked for."""


class Pictures:
    """Draws ``samples/step-000000100.png`` and the like, and decides when.

    Beside them is ``layout.json``, what is where in each; see `i2i.samples.Layout`.

    Args:
        folder: Where they are.
        minutes: Time after which there is another one.
        lasting: Whether a step is one whose picture is there whatever the clock says.
        now: A clock, in seconds.
    """

    def __init__(
        self, folder: Path, minutes: float, lasting: Callable[[int], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._seconds, self._lasting, self._now = folder, 60 * minutes, lasting, now
        self._drawn = now()

    def is_due(self, step: int) -> bool:
        """Return whether to draw after a step at which nothing else asks for it."""
        return step == EARLY or self._now() - self._drawn >= self._seconds

    def draw(self, step: int, rows: Sequence[Mapping[str, Pixels]], fields: Sequence[str]) -> Path:
        """Write the picture of a step; returns where it is.

        Args:
            step: Steps that are done.
            rows: What `i2i.training.validation.Validator.rows` returns.
            fields: Names of the fields of the data: what else is in a row was made.
        """
        columns = list(rows[0])
        height, width = rows[0][columns[0]].shape[:2]
        made = [title for title in columns if title not in fields]
        layout = Layout(columns=columns, made=made, rows=len(rows), size=(height, width))
        write_atomically(self._folder / LAYOUT, (layout.model_dump_json() + "\n").encode(), durable=False)
        path = picture_of(self._folder, step)
        images.write(path, images.contact_sheet([list(row.values()) for row in rows], columns))
        self._drawn = self._now()
        self._thin()
        return path

    def forget(self, after: int) -> None:
        """Remove the pictures of later steps, which a run that goes on from an earlier one makes again."""
        for step, path in drawn(self._folder).items():
            if step > after:
                _remove(path)

    def _thin(self) -> None:
        """Halve the pictures by the clock where there are too many; those that are left are as far from each other."""
        timed = [path for step, path in drawn(self._folder).items() if not self._is_lasting(step)]
        if len(timed) > KEPT:
            for path in timed[::2]:
                _remove(path)

    def _is_lasting(self, step: int) -> bool:
        return step in (0, EARLY) or self._lasting(step)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
