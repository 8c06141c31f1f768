"""A run as a page."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from i2i_loggers.curves import History
from i2i_loggers.journal import Journal, replace
from i2i_loggers.page import Session, page_of
from i2i_loggers.strip import Strip

SHARE = 0.005
"""Of the time of the run, that the page may take."""


class Report:
    """The page ``report.html``, written anew while the run goes on: curves, samples over time, figures, warnings.

    It needs nothing but itself, and is made of what is in the run's folder: after a kill it goes on as the run does.

    Args:
        seconds: From one page to the next, at least; more where to make it takes longer than 0.5 % of that.
    """

    def __init__(self, folder: Path, *, seconds: Annotated[float, Field(gt=0)] = 10.0) -> None:
        self._run, self._seconds = folder, seconds
        self._page, self._logs = folder / "report.html", folder / "logs"
        self.where = str(self._page)
        self._history, self._strip = History(folder / "metrics.jsonl"), Strip(folder / "samples")
        self._journal = Journal(self._logs / "report.jsonl")
        self._early: list[str] = []
        self._session: Session | None = None
        self._due, self._shown = 0.0, False

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Go on from what is there; of a run that is done already there is nothing more to tell."""
        if done >= total:
            return
        self._journal.open(done)
        self._journal.add("started", done)
        self._session = Session(facts, done, total)
        for text in self._early:
            self._journal.add("warned", done, text)

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the page if it is time."""
        if self._session is not None:
            self._session.advance(rows[-1]["step"])
        if time.monotonic() >= self._due:
            self._write()

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Write the page unless it was written a moment ago."""
        self._due = min(self._due, time.monotonic() + 1)

    def pictured(self, step: int, path: Path) -> None:
        """Look at a picture when the page is written next."""
        self._strip.forget(step)

    def warned(self, text: str) -> None:
        """Keep a warning."""
        if self._session is None:
            self._early.append(text)
        else:
            self._journal.add("warned", self._session.step, text)

    def ended(self, words: str) -> None:
        """Write the last page."""
        if self._session is not None:
            self._journal.add("ended", self._session.step, words)
            self._write()

    def _write(self) -> None:
        if self._session is None:
            return
        began = time.monotonic()
        self._history.update()
        data = page_of(self._run, self._session, self._history, self._strip.shown(), self._journal)
        replace(self._page, data, self._logs)
        now = time.monotonic()
        # the first page of a process reads all that is there already: no later one takes as long
        self._due = now + (max(self._seconds, (now - began) / SHARE) if self._shown else self._seconds)
        self._shown = True
