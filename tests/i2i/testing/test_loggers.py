"""What the check of loggers passes and what it names: one planted bug a case."""

from pathlib import Path
from typing import Any

import pytest

from i2i.testing import check_logger


class Counts:
    """Counts steps, in ``logs``.

    Args:
        every: Steps from one count to the next.
    """

    def __init__(self, folder: Path, *, every: int = 1) -> None:
        self.folder, self.steps = folder, 0

    def advanced(self, rows: Any) -> None:
        self.steps += len(rows)
        (self.folder / "logs").mkdir(exist_ok=True)
        (self.folder / "logs" / "count").write_text(str(self.steps))


class HearsNothing:
    """Has no method."""

    def __init__(self, folder: Path) -> None:
        pass


class WritesWhenBuilt(Counts):
    """Writes before the run begins."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "early").touch()


class WritesElsewhere(Counts):
    """Writes among the files of the run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)

    def ended(self, words: str) -> None:
        (self.folder / "words.txt").write_text(words)


class NeedsItsStart(Counts):
    """Cannot be warned before the run begins."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)

    def started(self, facts: Any, done: int, total: int) -> None:
        self.total = total

    def warned(self, text: str) -> None:
        print(self.total, text)


class Undescribed(Counts):
    """Has an option that is not described."""

    def __init__(self, folder: Path, *, often: bool = False) -> None:
        super().__init__(folder)


def test_a_logger_that_keeps_the_contract_passes() -> None:
    check_logger(Counts)
    check_logger(Counts, {"every": 3})


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (HearsNothing, "it has none of the methods started"),
        (WritesWhenBuilt, "building it writes"),
        (WritesElsewhere, "it writes words.txt into the run's folder"),
        (NeedsItsStart, "warned fails: AttributeError"),
        (Undescribed, "options missing from the Args section"),
    ],
)
def test_a_planted_bug_is_named(cls: type, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_logger(cls)
