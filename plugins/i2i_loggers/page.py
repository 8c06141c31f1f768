"""What the page of a run shows, gathered."""

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from i2i import pages, safe_json
from i2i.pace import Pace, rate_in_words, time_in_words
from i2i_loggers.curves import History
from i2i_loggers.journal import Journal
from i2i_loggers.plots import Plot, figure_plot, loss_plot, number, rate_plot
from i2i_loggers.strip import Shown

ROWS = 12
"""Validations in the table: the newest ones."""


class Session:
    """What is known of the process that trains.

    Args:
        facts: What the run is, in words.
        done: Steps that were done before.
        total: Steps in all.
    """

    def __init__(self, facts: Mapping[str, str], done: int, total: int) -> None:
        self.facts, self.step, self.total = dict(facts), done, total
        self._pace = Pace()

    def advance(self, step: int) -> None:
        """Note that a step was made just now."""
        self.step = step
        self._pace.advance(step)

    @property
    def words(self) -> list[str]:
        """Say how fast it goes, and how long it will still take, as far as that is known."""
        left = self._pace.left(self.total)
        pace = [rate_in_words(self._pace.rate)] if self._pace.rate else []
        return [*pace, *([f"{time_in_words(left)} left"] if left is not None and self.step < self.total else [])]


class State(NamedTuple):
    """What becomes of a run."""

    word: str
    """``training``, ``done`` or ``stopped``."""
    tone: str
    """The class of its colour."""
    words: str
    """How it ended; empty while it trains."""


def page_of(run: Path, session: Session, history: History, shown: Shown | None, journal: Journal) -> bytes:
    """Return the page of a run."""
    last, kept = max(history.step, session.step), _kept(run)
    names = dict.fromkeys(name for figures in history.validations.values() for name in figures)
    return pages.render(
        __package__,
        "report.html.j2",
        name=run.resolve().name,
        path=str(run),
        state=(state := _state(session, journal)),
        session=session,
        share=100 * min(last / session.total, 1),
        begun=journal.events[0]["time"],
        resumed=[event for event in journal.of("started")[1:] if event["step"]],
        now=time.time(),
        date=_date,
        warnings=journal.of("warned"),
        shown=shown,
        kept=kept,
        last=last,
        figures=list(_figure_plots(history, list(names), last)),
        losses=list(_loss_plots(history, last)),
        names=list(names),
        validations=[*history.validations.items()][-ROWS:][::-1],
        number=number,
        commands=list(_commands(run, session, state)),
        settings=settings.read_text("utf-8") if (settings := run / "config.yaml").is_file() else "",
        environment=_environment(run),
    )


def _state(session: Session, journal: Journal) -> State:
    if not (ended := journal.of("ended")):
        return State("training", "note", "")
    words = ended[-1]["text"]
    return State("done", "good", words) if session.step >= session.total else State("stopped", "warning", words)


def _kept(run: Path) -> int | None:
    """Return the step of the model that is kept; None while there is none."""
    with suppress(OSError, ValueError, KeyError):
        return int(safe_json.load((run / "model" / "config.json").read_bytes())["step"])
    return None


def _figure_plots(history: History, names: list[str], last: int) -> Iterator[Plot]:
    for name in names:
        of_steps = {step: figures.get(name) for step, figures in history.validations.items()}
        measured = {step: value for step, value in of_steps.items() if value is not None}
        if measured:
            yield figure_plot(name, measured, last)


def _loss_plots(history: History, last: int) -> Iterator[Plot]:
    """Yield the plots of losses by the names of the log, then that of the learning rate where it changes."""
    for name, curve in history.curves.items():
        if "/" in name:
            yield loss_plot(name, curve, last)
    rate = history.curves.get("lr")
    if rate and len({point.mean for point in rate.points}) > 1:
        yield rate_plot("learning rate", rate, last)


def _commands(run: Path, session: Session, state: State) -> Iterator[tuple[str, str]]:
    """Yield what to type next: why, and what."""
    folder = shlex.quote(str(run))
    resuming = f"i2i train --resume {folder}"
    if state.word == "training":
        yield "Ctrl-C in its terminal saves everything. To go on after that, or after a kill:", resuming
    if state.word == "stopped":
        yield "Go on where it stopped:", resuming
    yield "Translate images with the model that is kept:", f"i2i translate {folder} IMAGES --out DIR"
    yield "Measure it, beside other models:", f"i2i evaluate {folder} --data DATASET --out DIR"
    if state.word == "done":
        yield "Train longer:", f"{resuming} --steps {2 * session.total}"


def _environment(run: Path) -> dict[str, str]:
    """Return what the run depends on, a line each."""
    if not (said := run / "environment.json").is_file():
        return {}
    return {name: _line(value) for name, value in safe_json.load(said.read_bytes()).items() if value is not None}


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_line(each)}" for name, each in value.items())
    return ", ".join(map(_line, value)) if isinstance(value, list) else str(value)


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
