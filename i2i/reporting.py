"""Who is told how a training run goes. Free of torch, as the command line is."""

from collections.abc import Mapping
from typing import Any


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
