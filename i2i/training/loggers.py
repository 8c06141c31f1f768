"""The loggers of a run: components that hear how it goes, beside the one who started it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.options import build
from i2i.plugins import describe, lookup
from i2i.training.reporting import Reporter
from i2i.training.state import put_back


class Loggers(Reporter):
    """Tells a reporter, then loggers; one that fails is said in one warning, and hears no more.

    Args:
        reporter: Is told all, and may raise.
        loggers: Keep the contract of `i2i.contracts.Logger`, by name.
    """

    def __init__(self, reporter: Reporter, loggers: Mapping[str, Any]) -> None:
        self.reporter, self._loggers = reporter, dict(loggers)

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Tell that the run begins, and where to look."""
        where = {name: str(getattr(logger, "where", "")) for name, logger in self._loggers.items()}
        self._tell("started", {**facts, **{name: place for name, place in where.items() if place}}, done, total)

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Tell of steps."""
        self._tell("advanced", rows)

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Tell of a validation."""
        self._tell("validated", step, figures, best)

    def pictured(self, step: int, path: Path) -> None:
        """Tell of a picture."""
        self._tell("pictured", step, path)

    def warned(self, text: str) -> None:
        """Tell what is worth knowing."""
        self._tell("warned", text)

    def ended(self, words: str) -> None:
        """Tell what became of the run."""
        self._tell("ended", words)

    def _tell(self, what: str, *heard: Any) -> None:
        getattr(self.reporter, what)(*heard)
        for name, logger in list(self._loggers.items()):
            if name in self._loggers and (method := getattr(logger, what, None)):
                try:
                    with put_back():  # no draw of a stranger's is one of the run
                        method(*heard)
                except Exception as error:
                    del self._loggers[name]
                    self.warned(f"Logger {name!r} fails, and hears no more of this run: {describe(error)}.")


def told(reporter: Reporter, config: RunConfig, folder: Path) -> Reporter:
    """Return who tells a reporter and the loggers of a run.

    Args:
        reporter: Who started it.
        config: Names the loggers.
        folder: The run's.

    Raises:
        I2iError: If a logger refuses to be built.
    """
    loggers = {
        chosen.name: build(
            lookup("logger", chosen.name).cls, folder, options=chosen.options, owner=f"logger {chosen.name!r}"
        )
        for chosen in config.training.loggers
    }
    return Loggers(reporter, loggers)


@contextmanager
def ending(reporter: Reporter) -> Iterator[None]:
    """Say what ends the run where something does, and let it go on."""
    try:
        yield
    except BaseException as error:
        reporter.ended(str(error) or type(error).__name__)
        raise
