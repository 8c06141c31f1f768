"""Says in words what goes wrong with a run: what, since when, and what usually helps; each once.

It looks at what is there anyway, rows of the metrics log that are written and pictures that are drawn, and at a clock.
It knows recipes by the contracts of their parts alone.
"""

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch

from i2i.config import RunConfig
from i2i.contracts import CONTRACTS, AdversarialLoss, Recipe
from i2i.pairs import Pixels
from i2i.parts import Adversarial, Penalties
from i2i.plugins import catalogue
from i2i.serving import contracts_of
from i2i.system.devices import available_cpus

WINDOW = 50
"""Steps that are judged together: of each loss by its median."""
WON, WON_WINDOWS = 0.01, 4
"""A discriminator has won where it pays less than this part of what guessing costs, in so many windows on end. The runs
of docs/reproduce.md stayed above 0.05, but for one window at 0.019, and but for one whose skies stayed gray: 0.0015."""
LOST, LOST_WINDOWS = 0.005, 10
"""It has given up where what it pays is nearer than this part to what guessing costs, in all steps of so many windows
on end: one that is merely slow to begin moves on."""
GROWN = 100
"""How many times as large as in the first windows a loss has exploded. Of those runs none grew to more than four."""
FIRST = 2  # windows that a loss is compared with later
WAITING, WAITING_WINDOWS, WAITED = 0.25, 3, 10.0
"""Steps wait where this part of the time goes by without a batch, in so many windows on end and for so many seconds."""
SAME, SAME_PICTURES, SAME_STEPS = 0.05, 3, 200
"""Outputs are the same where they differ by less than this part of what they are made of and should be, in so many
pictures on end, the last of them so many steps after the first: at the beginning every network draws gray. Of those
runs none was below 0.3."""
DEAF = 0.002
"""Noise is ignored where two noises change a picture in [-1, 1] by less, on average: a quarter of a gray level."""
LOGITS = (-16.0, -1.0, -0.5, 0.0, 0.5, 1.0, 16.0)


class Odds(NamedTuple):
    """What the loss of a discriminator means."""

    guess: float
    """What one pays that cannot tell real from fake."""
    won: float
    """What one pays that is sure of each."""

    def share(self, loss: float) -> float:
        """Return which part of the way from a sure discriminator to one that guesses a loss is."""
        return (loss - self.won) / (self.guess - self.won)


def odds_of(loss: AdversarialLoss) -> Odds:
    """Return what a discriminator pays for logits that are the same everywhere, the best of several for either case.

    Example:
        >>> class Hinge:
        ...     def discriminator_loss(self, real, fake):
        ...         return (1 - real).relu().mean() + (1 + fake).relu().mean()
        >>> odds_of(Hinge())
        Odds(guess=2.0, won=0.0)
    """
    judge = deepcopy(loss)  # one that remembers what it saw is not disturbed
    logits = [torch.full((1, 1, 1, 1), value) for value in LOGITS]
    with torch.no_grad():
        costs = [[float(judge.discriminator_loss(real, fake)) for fake in logits] for real in logits]
    return Odds(min(costs[place][place] for place in range(len(costs))), min(map(min, costs)))


class Health:
    """Watches one run, from the step on at which it begins or goes on.

    Args:
        recipe: What is trained.
        config: Of the run: its settings are named where they help.
        fields: Names of the fields of the data.
        now: Seconds of a clock.
    """

    def __init__(
        self,
        recipe: Recipe,
        config: RunConfig,
        fields: Collection[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._fields, self._now = config, fields, now
        parts = {part: (kind, getattr(recipe, part)) for part, kind in contracts_of(type(recipe)).items()}
        self._judges = [part for part, (kind, built) in parts.items() if built and CONTRACTS[kind] == "discriminator"]
        penalties = {part: built for part, (_, built) in parts.items() if isinstance(built, Penalties)}
        self._idle_penalties = [part for part, built in penalties.items() if not built.components]
        self._penalties = {name for built in penalties.values() for name in built.components}
        adversarial = [built for _, built in parts.values() if isinstance(built, Adversarial)]
        self._adversarial = adversarial[0] if len(adversarial) == 1 else None
        self._odds = odds_of(self._adversarial.loss) if self._adversarial else None
        self._rows: list[Mapping[str, Any]] = []
        self._first: dict[str, list[float]] = {}
        self._begun: dict[str, list[int]] = {}
        self._said = set[str]()
        self._waited, self._window_began, self._slow = 0.0, math.nan, list[tuple[int, float, float]]()
        self._rested = False

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Judge rows of the metrics log, one a step and each once; yields lines."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) == WINDOW:
                yield from self._judge(self._rows)
                self._rows = []

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Take the time for which a step waits for its batch."""
        began = self._now()
        if math.isnan(self._window_began):
            self._window_began = began
        yield
        self._waited += self._now() - began

    def pictured(
        self, step: int, rows: Sequence[Mapping[str, Pixels]], reactions: Mapping[str, float] = {}
    ) -> Iterator[str]:
        """Judge pictures that are drawn after a step; yields lines.

        Args:
            step: When.
            rows: Of each item its fields and what is made of them, by title, each (H, W, 3) uint8.
            reactions: Field -> how much two noises change what is made, on average, in [-1, 1].
        """
        for title in (title for title in rows[0] if title not in self._fields and len(rows) > 1):
            columns = {name: _variety([row[name] for row in rows]) for name in rows[0]}
            beside = min((variety for name, variety in columns.items() if name in self._fields), default=0.0)
            if since := self._looks(f"same {title}", columns[title] < SAME * beside, step):
                yield (
                    f"What is made ({title}) is the same picture whatever the source, since step {since}. Look at the "
                    f"samples and at `i2i data check`, and begin again with another seed, a lower optimizer.lr (now "
                    f"{self._config.optimizer.lr:g}) or a generator that sees details of the source."
                )
        for field, reaction in reactions.items():
            if since := self._looks(f"deaf {field}", reaction < DEAF, step):
                yield (
                    f"Noise does not change what is made of {field}, since step {since}: all samples of one source are "
                    "the same. Where there is one answer to each source that is right; else weigh what compares "
                    "pixel by pixel less."
                )

    def _judge(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Judge one window."""
        start = int(rows[0]["step"])
        columns: dict[str, list[float]] = {}
        for row in rows:
            for name, value in row.items():
                if "/" in name and value is not None:
                    columns.setdefault(name, []).append(float(value))
        for judge in self._judges:
            if (odds := self._odds) and (found := self._cost(judge, columns)):
                yield from self._balance(judge, start, found, odds)
        for name, values in columns.items():
            yield from self._growth(name, start, median(map(abs, values)))
        yield from self._slowness(start)

    def _cost(self, judge: str, columns: Mapping[str, list[float]]) -> list[float]:
        """Return what a discriminator pays for its verdicts in each step; nothing where that cannot be told."""
        terms = {name: name.partition("/")[2].rpartition(".")[2] for name in columns if name.startswith(f"{judge}/")}
        own = [name for name, term in terms.items() if term not in self._penalties]
        scales = self._adversarial.scales if self._adversarial else 0
        return [value / scales for value in columns[own[0]]] if len(own) == 1 and scales else []

    def _balance(self, judge: str, start: int, costs: Sequence[float], odds: Odds) -> Iterator[str]:
        """Say that a discriminator has won, or given up."""
        if odds.guess <= odds.won:
            return  # it pays without bounds: no number means that
        shares = [odds.share(cost) for cost in costs]
        lr = self._config.optimizer.of(judge).lr
        if since := self._lasts(f"won {judge}", median(shares) < WON, start, WON_WINDOWS):
            paid = f"{median(shares):.1%}" if median(shares) >= 0.001 else "less than 0.1%"
            names = list(catalogue("penalty"))[:1]
            held = "".join(f", or hold it back: --use {part}={name}" for part in self._idle_penalties for name in names)
            yield (
                f"{judge} tells every fake since step {since}: it pays {paid} of what guessing costs, "
                f"and what it teaches fades. Lower optimizer.{judge}.lr (now {lr:g}) to {lr / 4:.1g}{held}. Look at "
                "the samples whether something gives fakes away at once."
            )
        if since := self._lasts(f"lost {judge}", all(abs(s - 1) < LOST for s in shares), start, LOST_WINDOWS):
            yield (
                f"{judge} only guesses since step {since}: it pays {median(costs):.3g} at every step, as one that "
                f"cannot tell real from fake, and teaches nothing. Begin again with another optimizer.{judge}.lr (now "
                f"{lr:g}), or with a larger {judge}."
            )

    def _growth(self, name: str, start: int, size: float) -> Iterator[str]:
        """Say that a loss explodes."""
        first = self._first.setdefault(name, [])
        if len(first) < FIRST:
            first.append(size)
            return
        usual = max(*first, self._odds.guess if self._odds else 0.0)
        if usual > 0 and (since := self._lasts(f"grown {name}", size > GROWN * usual, start, 1)):
            clipped = "" if self._config.optimizer.clip else " or shorter gradients (--set optimizer.clip=1)"
            yield (
                f"{name} explodes since step {since}: it is {size / usual:,.0f} times what it was at first. Begin "
                f"again with a lower optimizer.lr (now {self._config.optimizer.lr:g}){clipped}."
            )

    def _slowness(self, start: int) -> Iterator[str]:
        """Say that steps wait for their batches: where a device works beside, only for what is not ready by then."""
        now, waited = self._now(), self._waited
        whole, self._window_began, self._waited = now - self._window_began, now, 0.0
        new = not self._rested
        self._rested = True
        if new or not whole > 0:
            return  # those who read begin
        self._slow = [*self._slow, (start, waited, whole)] if waited / whole > WAITING else []
        lost = sum(each for _, each, _ in self._slow)
        if len(self._slow) >= WAITING_WINDOWS and lost > WAITED and self._once("waiting"):
            share = lost / sum(each for _, _, each in self._slow)
            yield (
                f"Steps wait for images since step {self._slow[0][0]}, {share:.0%} of the time. "
                f"{self._faster(waited, whole)}"
            )

    def _faster(self, waited: float, whole: float) -> str:
        """Say what makes batches come in time."""
        workers, cpus = self._config.data.workers, available_cpus()
        work = workers * whole if workers else waited
        needed = max(1, math.ceil(work / max(whole - waited, 1e-9)))
        others = "store images no larger than they are trained on (i2i prepare resize)"
        if self._config.data.cache in ("auto", "none"):
            others = f"keep them in memory (--set data.cache=memory), or {others}"
        if workers >= cpus:
            return f"There are no more CPUs than data.workers ({workers}) already: {others}."
        return f"Raise data.workers (now {workers}) to {min(needed, cpus)}, {'or ' * ('memory' not in others)}{others}."

    def _looks(self, what: str, holds: bool, step: int) -> int:
        """Return since when something is to be seen, once it has been long enough; else 0."""
        begun = self._so_far(what, holds and step > 0, step)
        lasts = len(begun) >= SAME_PICTURES and step - begun[0] >= SAME_STEPS
        return begun[0] if lasts and self._once(what) else 0

    def _lasts(self, what: str, holds: bool, start: int, windows: int) -> int:
        """Return since when something has been so, once it has been in so many windows on end; else 0."""
        begun = self._so_far(what, holds, start)
        return begun[0] if len(begun) >= windows and self._once(what) else 0

    def _so_far(self, what: str, holds: bool, step: int) -> list[int]:
        """Return all steps at which something has been so without a break up to this one."""
        self._begun[what] = [*self._begun.get(what, []), step] if holds else []
        return self._begun[what]

    def _once(self, what: str) -> bool:
        """Return whether something has not been said."""
        new = what not in self._said
        self._said.add(what)
        return new


def _variety(pictures: Sequence[Pixels]) -> float:
    """Return by how many gray levels pictures of one size differ, as the mean over pixels of their deviation."""
    return float(np.stack(pictures).astype(np.float32).std(axis=0).mean())
