"""How often raters were fooled, as tables 4 and 5 of Isola et al. 2017 have it."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from i2i.errors import DataError
from i2i_study.key import Key
from i2i_study.results import Collected, Rater

RESAMPLES = 10_000
"""As in the authors' published analysis (github.com/phillipi/AMT_Real_vs_Fake, `process_csv.py`)."""
OFF = 0.1
"""Seconds by which an image may miss its one second before it is counted."""


class Estimate(BaseModel):
    """A share in percent, and what other raters and trials might have made of it."""

    percent: float
    low: float
    high: float
    """The middle 95 % of the resamples."""
    deviation: float
    """Their standard deviation: what the tables of the paper have behind ±."""


class ModelScore(BaseModel):
    """What the raters of a model said."""

    model: str
    fooled: Estimate
    """Share of fakes that were taken for the real image; 50 % is what guessing gives."""
    raters: int
    trials: int


class Difference(BaseModel):
    """How much more often one model fools people than another, in percentage points."""

    first: str
    second: str
    difference: Estimate
    """First minus second."""


class RaterScore(BaseModel):
    """What one rater said."""

    rater: str
    model: str
    session: int
    fooled: float
    """Percent."""
    practice_right: int
    seconds: float
    """Median time of an answer."""


class Score(BaseModel):
    """All that results say."""

    study: str
    models: list[ModelScore]
    differences: list[Difference]
    raters: list[RaterScore]
    images_shown: int
    images_off: int
    """Images that were on the screen for a time that differs from one second by more than 0.1."""
    left_out: list[str]


def score_results(collected: Collected, key: Key, *, seed: int = 0) -> Score:
    """Score the results that count.

    Args:
        collected: Results, checked.
        key: The study.
        seed: Draws the resamples.

    Raises:
        DataError: If no result counts.
    """
    if not collected.raters:
        raise DataError("No result counts. Give results of this study, whose raters pass the attention trials.")
    rng = np.random.default_rng(seed)
    models, drawn = [], {}
    for model in key.models:
        rows = [rater.right("scored") for rater in collected.raters if rater.session.model == model]
        if not rows:
            continue
        fooled = ~np.array(rows)  # (raters, trials)
        drawn[model] = resample(fooled, rng)
        estimate = _estimate(fooled.mean(), drawn[model])
        models.append(ModelScore(model=model, fooled=estimate, raters=len(rows), trials=fooled.size))
    times = np.array([answer.shown for rater in collected.raters for answer in rater.result.answers])
    return Score(
        study=key.study,
        models=models,
        differences=_differences(models, drawn),
        raters=[_rater_score(rater) for rater in collected.raters],
        images_shown=times.size,
        images_off=int((abs(times - 1) > OFF).sum()),
        left_out=collected.left_out,
    )


def resample(fooled: NDArray[np.bool_], rng: np.random.Generator, count: int = RESAMPLES) -> NDArray[np.float64]:
    """Draw raters with replacement, and of each of them as many of his trials, with replacement.

    That is the authors' analysis. Trials of a rater drawn so are a binomial sample of his share, which is drawn here.

    Args:
        fooled: Of each rater and trial whether the fake was taken for real, (raters, trials).
        rng: Draws.
        count: How often.

    Returns:
        Share of trials that fooled, (count,), in 0..1.
    """
    raters, trials = fooled.shape
    shares = fooled.mean(axis=1)[rng.integers(raters, size=(count, raters))]
    return np.asarray(rng.binomial(trials, shares).mean(axis=1) / trials, np.float64)


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(percent=100 * value, low=100 * low, high=100 * high, deviation=100 * drawn.std())


def _differences(models: list[ModelScore], drawn: dict[str, NDArray[np.float64]]) -> list[Difference]:
    return [
        Difference(
            first=first.model,
            second=second.model,
            difference=_estimate(
                (first.fooled.percent - second.fooled.percent) / 100, drawn[first.model] - drawn[second.model]
            ),
        )
        for first, second in combinations(models, 2)
    ]


def _rater_score(rater: Rater) -> RaterScore:
    right = rater.right("scored")
    return RaterScore(
        rater=rater.result.rater,
        model=rater.session.model,
        session=rater.result.session,
        fooled=100 * right.count(False) / len(right),
        practice_right=rater.right("practice").count(True),
        seconds=float(np.median([answer.seconds for answer in rater.result.answers])),
    )
