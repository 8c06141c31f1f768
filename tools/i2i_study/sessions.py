"""Who sees what, and in which order: drawn once for all raters, so that pairs and places are balanced."""

from typing import Literal, NamedTuple

import numpy as np

Part = Literal["practice", "scored", "attention"]


class Trial(NamedTuple):
    """What is shown in a trial, whatever the model."""

    part: Part
    real: int
    """Index of the pair whose real image is shown."""
    fake: int
    """Index of the pair whose fake is shown; of trials that test attention, index of the scrambled image."""
    place: Literal[1, 2]
    """Whether the fake is shown first or second."""


class Lengths(NamedTuple):
    """Numbers of trials in a session; the paper has 10 and 40, and none of attention (section 4.1)."""

    practice: int = 10
    scored: int = 40
    attention: int = 4


def draw_sessions(
    pairs: int, raters: int, lengths: Lengths, rng: np.random.Generator, *, same_input: bool = True
) -> list[list[Trial]]:
    """Draw the trials of each rater.

    If there are pairs enough for practice and scored trials, none comes twice in a session, and over the sessions each
    is scored or practised as often as any other, or once more. In each part of a session, the fake is shown first in
    half of the trials. Trials that test attention stand among those to score, one in each of as many equal stretches.

    Args:
        pairs: How many pairs there are, at least 2.
        raters: How many sessions are drawn.
        lengths: How many trials each part has.
        rng: Draws them.
        same_input: Whether the real image is that of the fake's own pair; else it is another's.
    """
    deck = _Deck(pairs, rng)
    return [_session(deck, pairs, lengths, rng, same_input) for _ in range(raters)]


def _session(deck: "_Deck", pairs: int, lengths: Lengths, rng: np.random.Generator, same_input: bool) -> list[Trial]:
    shift = 0 if same_input else int(rng.integers(1, pairs))
    hand = deck.deal(lengths.practice + lengths.scored)
    rows = [((card + shift) % pairs, card) for card in hand]
    practice, scored = (
        [Trial(part, *row, place) for row, place in zip(rows_, _places(len(rows_), rng), strict=True)]
        for part, rows_ in _divided(rows, lengths.practice)
    )
    # a real image that was seen beside a scrambled one would be known for real
    free = sorted(set(range(pairs)) - {trial.real for trial in scored}) or list(range(pairs))
    reals = [free[place] for place in _Deck(len(free), rng).deal(lengths.attention)]
    fakes, places = rng.permutation(lengths.attention), _places(lengths.attention, rng)
    ends = np.linspace(0, len(scored), lengths.attention + 1).astype(int)
    for stretch in reversed(range(lengths.attention)):  # from the end, so that the places before stay what they are
        where = int(rng.integers(ends[stretch], ends[stretch + 1], endpoint=True))
        scored.insert(where, Trial("attention", reals[stretch], int(fakes[stretch]), places[stretch]))
    return practice + scored


def _divided(rows: list[tuple[int, int]], practice: int) -> list[tuple[Part, list[tuple[int, int]]]]:
    return [("practice", rows[:practice]), ("scored", rows[practice:])]


def _places(count: int, rng: np.random.Generator) -> list[Literal[1, 2]]:
    """Draw as many 1 as 2; of an odd number, one more of either."""
    half = count // 2 + (int(rng.integers(2)) if count % 2 else 0)
    return [1 if place < half else 2 for place in rng.permutation(count)]


class _Deck:
    """Cards that are dealt in turn, and shuffled anew when all are dealt."""

    def __init__(self, cards: int, rng: np.random.Generator) -> None:
        self._cards, self._rng = cards, rng
        self._left: list[int] = []

    def deal(self, count: int) -> list[int]:
        """Deal a hand: no card is in it twice before all are in it once, nor twice running where there are others."""
        hand: list[int] = []
        while len(hand) < count:
            barred = set(hand[len(hand) - len(hand) % self._cards :])
            if self._cards > 1:
                barred |= set(hand[-1:])
            fitting = [card for card in self._left if card not in barred]
            if not fitting:
                self._left += [int(card) for card in self._rng.permutation(self._cards)]
                fitting = [card for card in self._left if card not in barred]
            hand.append(fitting[0])
            self._left.remove(fitting[0])
        return hand
