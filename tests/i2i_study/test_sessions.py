"""What raters see: balanced, whatever the numbers."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i_study.sessions import Lengths, Trial, draw_sessions

lengths = st.builds(Lengths, st.integers(0, 7), st.integers(1, 12), st.integers(0, 4))


def drawn(pairs: int, raters: int, lengths: Lengths, seed: int, same_input: bool = True) -> list[list[Trial]]:
    return draw_sessions(pairs, raters, lengths, np.random.default_rng(seed), same_input=same_input)


def of(session: list[Trial], *parts: str) -> list[Trial]:
    return [trial for trial in session if trial.part in parts]


@given(st.integers(2, 40), lengths, st.integers(0, 9), st.booleans())
def test_each_part_has_its_length_and_shows_the_fake_first_in_half_of_its_trials(
    pairs: int, lengths: Lengths, seed: int, same_input: bool
) -> None:
    for session in drawn(pairs, 3, lengths, seed, same_input):
        for part, length in lengths._asdict().items():
            places = Counter(trial.place for trial in of(session, part))
            assert places.total() == length
            assert abs(places[1] - places[2]) == length % 2


@given(st.integers(0, 20), lengths, st.integers(0, 9), st.booleans())
def test_of_enough_pairs_none_comes_twice_to_a_rater_and_all_come_equally_often(
    more: int, lengths: Lengths, seed: int, same_input: bool
) -> None:
    pairs = max(2, lengths.practice + lengths.scored + more)
    counts: Counter[int] = Counter(dict.fromkeys(range(pairs), 0))
    for session in drawn(pairs, 5, lengths, seed, same_input):
        asked = of(session, "practice", "scored")
        assert len({trial.fake for trial in asked}) == len({trial.real for trial in asked}) == len(asked)
        counts.update(trial.fake for trial in asked)
    assert max(counts.values()) - min(counts.values()) <= 1


@given(st.integers(2, 5), st.integers(0, 9))
def test_of_few_pairs_none_comes_again_before_all_came_nor_twice_running(pairs: int, seed: int) -> None:
    for session in drawn(pairs, 4, Lengths(0, 13, 0), seed):
        fakes = [trial.fake for trial in session]
        assert all(first != second for first, second in pairwise(fakes))
        for start in range(0, 13 - pairs + 1, pairs):
            assert set(fakes[start : start + pairs]) == set(range(pairs))


@given(st.integers(2, 20), st.integers(0, 9), st.booleans())
def test_real_and_fake_are_of_one_input_or_never_are(pairs: int, seed: int, same_input: bool) -> None:
    for session in drawn(pairs, 3, Lengths(), seed, same_input):
        assert all((trial.real == trial.fake) == same_input for trial in of(session, "practice", "scored"))


@given(st.integers(50, 60), st.integers(0, 9), st.booleans())
def test_no_real_image_of_the_attention_trials_is_also_scored(pairs: int, seed: int, same_input: bool) -> None:
    for session in drawn(pairs, 3, Lengths(), seed, same_input):
        assert not {t.real for t in of(session, "attention")} & {t.real for t in of(session, "scored")}


def test_practice_comes_first_and_attention_trials_are_scattered_among_those_to_score() -> None:
    for session in drawn(60, 20, Lengths(), 0):
        parts = [trial.part for trial in session]
        assert parts[:10] == ["practice"] * 10
        places = [place for place, part in enumerate(parts[10:]) if part == "attention"]
        assert [place // 11 for place in places] == [0, 1, 2, 3]  # one in each quarter of the 44
        assert sorted(trial.fake for trial in of(session, "attention")) == [0, 1, 2, 3]


def test_the_seed_draws_everything() -> None:
    assert drawn(60, 2, Lengths(), 3) == drawn(60, 2, Lengths(), 3)
    assert drawn(60, 2, Lengths(), 3) != drawn(60, 2, Lengths(), 4)


@pytest.mark.parametrize("scored", [1, 2])
def test_more_attention_trials_than_stretches_are_all_there(scored: int) -> None:
    (session,) = drawn(5, 1, Lengths(0, scored, 4), 0)
    assert len(of(session, "attention")) == 4
