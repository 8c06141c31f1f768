"""Which model of a run is kept, and when it is not worth going on for a better one."""

import math
from collections.abc import Mapping

from i2i.errors import UsageError, things
from i2i.evaluation.measuring import Measure
from i2i.training.criterion import Criterion, metric_of
from i2i.training.state import Progress


class Choice:
    """Judges validations by one figure; what it has found is in the run's progress.

    Args:
        criterion: By which figure.
        measures: What is measured, by name.
        patience: Validations without a better one after which the run ends; None if it does not.
        progress: How far the run has come.
    """

    def __init__(
        self, criterion: Criterion, measures: Mapping[str, Measure], patience: int | None, progress: Progress
    ) -> None:
        self._criterion, self._measures, self._patience, self._progress = criterion, measures, patience, progress

    def check(self, figures: Mapping[str, float]) -> None:
        """Refuse a ``validation.select`` that is none of the figures of its metric.

        Raises:
            UsageError: If it is not.
        """
        criterion = self._criterion
        if criterion.figure and criterion.figure not in figures:
            known = [name for name in figures if metric_of(name) == criterion.metric]
            raise UsageError(f"validation.select is {criterion.figure!r}. Say one of {', '.join(known)}.")

    def judge(self, figures: Mapping[str, float]) -> bool:
        """Note the figures of a validation, and return whether its model is the best so far."""
        better = bool(self._criterion.figure) and self._is_better(figures[self._criterion.figure])
        self._progress.stale = 0 if better else self._progress.stale + 1
        if better:
            self._progress.best = {"step": self._progress.step, **finite(figures)}
        return better

    @property
    def early(self) -> str:
        """Say why the run ends before its last step; nothing if it does not."""
        if self._patience is None or self._progress.stale < self._patience:
            return ""
        best = self._progress.best
        since = f"since step {best['step']}" if best else "at all"
        validations = things(self._progress.stale, "validation")
        return f"{self._criterion.figure} has not become better {since}, in {validations} (training.patience)"

    def _is_better(self, figure: float) -> bool:
        best = self._progress.best
        if best is None or not math.isfinite(figure):
            return math.isfinite(figure)
        before: float = best[self._criterion.figure]
        return figure > before if self._measures[self._criterion.metric].higher_is_better else figure < before


def finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Return figures as JSON has them: None where one is not finite, such as of a set of one image."""
    return {name: figure if math.isfinite(figure) else None for name, figure in figures.items()}
