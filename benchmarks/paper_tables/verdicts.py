"""Decides of each ordering that the paper claims whether it holds here.

The rule: two cells are compared by the mean IoU of classes, the mean of their seeds. The difference has an interval of
95 %, out of two independent sources of chance. Frames: the same frames are drawn anew for both, 1,000 times. Seeds: the
variance within cells, pooled over all cells that make photographs, or labels; a difference of means then follows
Student's t. An ordering *holds* where the interval lies above 0, *does not hold* where it lies below, and else it
*cannot be told at this spread*. Where no cell has two seeds, the spread is not known and nothing can be told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paper_tables.tables import Table

Verdict = Literal["holds", "does not hold", "cannot be told"]
Judged = Mapping[str, Sequence[Mapping[str, Any]]]
"""By cell, what the judge said of each seed's run; see `paper_tables.judging.Judge`."""

DECIDES = "iou"
DRAWS = 100_000


@dataclass(frozen=True)
class Ordering:
    """What came of a claim: the difference of the first cell to the second, its interval of 95 %, and the verdict."""

    better: str
    worse: str
    difference: float
    low: float
    high: float
    verdict: Verdict


def orderings(table: Table, judged: Judged, figure: str = DECIDES) -> list[Ordering]:
    """Return what came of each claim of a table whose cells are judged, by a figure."""
    spread, freedom = spread_of(table, judged, figure)
    claims = [claim for claim in table.claims if all(judged.get(cell) for cell in claim)]
    return [compared(*claim, judged, spread, freedom, figure) for claim in claims]


def figures(runs: Sequence[Mapping[str, Any]], figure: str = DECIDES) -> list[float]:
    """Return a figure of each seed."""
    return [run["figures"][figure] for run in runs]


def spread_of(table: Table, judged: Judged, figure: str = DECIDES) -> tuple[float, int]:
    """Return what `pooled` does of a figure, over all cells that make what those of a table make."""
    made = table.rows[0].cell.partition("-")[0]
    return pooled([figures(runs, figure) for cell, runs in judged.items() if runs and cell.startswith(made)])


def pooled(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the standard deviation within groups, and its degrees of freedom: NaN and 0 where none has two."""
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    freedom = sum(len(group) - 1 for group in groups)
    return (float(np.sqrt(squares / freedom)) if freedom else float("nan")), freedom


def compared(better: str, worse: str, judged: Judged, spread: float, freedom: int, figure: str = DECIDES) -> Ordering:
    """Compare two cells by the rule of this module.

    Args:
        better: The cell that the paper finds better.
        worse: The other one.
        judged: By cell, what was said of each seed.
        spread: Standard deviation of seeds within a cell.
        freedom: Its degrees of freedom.
        figure: By which they are compared.
    """
    first, second = judged[better], judged[worse]
    difference = float(np.mean(figures(first, figure)) - np.mean(figures(second, figure)))
    if not freedom:
        return Ordering(better, worse, difference, float("-inf"), float("inf"), "cannot be told")
    frames = mean_draws(first, figure) - mean_draws(second, figure)
    rng = np.random.default_rng(0)
    by_frames = rng.choice(frames, DRAWS) - frames.mean()
    by_seeds = rng.standard_t(freedom, DRAWS) * spread * np.sqrt(1 / len(first) + 1 / len(second))
    low, high = (float(edge) for edge in difference + np.percentile(by_frames + by_seeds, (2.5, 97.5)))
    verdict: Verdict = "holds" if low > 0 else "does not hold" if high < 0 else "cannot be told"
    return Ordering(better, worse, difference, low, high, verdict)


def mean_draws(runs: Sequence[Mapping[str, Any]], figure: str = DECIDES) -> NDArray[np.float64]:
    """Return a figure of frames drawn anew, each the mean of the seeds."""
    mean: NDArray[np.float64] = np.mean([run["draws"][figure] for run in runs], axis=0)
    return mean
