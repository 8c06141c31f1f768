"""The split is exact, depends on seed and names alone, and never parts what is the same picture."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i.errors import UsageError
from i2i.preparation.splitting import assign, check_shares

SHARES = st.sampled_from([(0.1, 0.0), (0.1, 0.1), (0.25, 0.25), (0.0, 0.0), (0.5, 0.4), (0.0, 0.3)])


def distinct(count: int) -> dict[str, str]:
    return {f"{i}.png": f"sum {i}" for i in range(count)}


@pytest.mark.parametrize(
    ("pairs", "val", "test", "expected"),
    [
        (100, 0.1, 0.0, (90, 10, 0)),
        (100, 0.1, 0.2, (70, 10, 20)),
        (15, 0.1, 0.0, (13, 2, 0)),
        (14, 0.1, 0.0, (13, 1, 0)),
        (4, 0.1, 0.0, (3, 1, 0)),
        (2, 0.1, 0.0, (1, 1, 0)),
        (2, 0.1, 0.1, (1, 1, 0)),
        (3, 0.1, 0.1, (1, 1, 1)),
        (1, 0.5, 0.4, (1, 0, 0)),
        (0, 0.1, 0.1, (0, 0, 0)),
        (10, 0.0, 0.0, (10, 0, 0)),
    ],
)
def test_counts_are_exact(pairs: int, val: float, test: float, expected: tuple[int, int, int]) -> None:
    counts = Counter(assign(distinct(pairs), val, test, 0).values())
    assert (counts["train"], counts["val"], counts["test"]) == expected


@given(st.integers(0, 60), SHARES, st.integers(0, 5), st.randoms())
def test_split_does_not_depend_on_the_order(count: int, shares: tuple[float, float], seed: int, random: Random) -> None:
    pairs = distinct(count)
    shuffled = list(pairs.items())
    random.shuffle(shuffled)
    assert assign(dict(shuffled), *shares, seed) == assign(pairs, *shares, seed)


@given(st.lists(st.integers(0, 12), max_size=60), SHARES, st.integers(0, 5))
def test_same_pictures_stay_together(sums: list[int], shares: tuple[float, float], seed: int) -> None:
    pairs = {f"{i}.png": str(checksum) for i, checksum in enumerate(sums)}
    splits = assign(pairs, *shares, seed)
    assert splits.keys() == pairs.keys()
    assert len({(pairs[name], split) for name, split in splits.items()}) == len(set(sums))
    wanted = Counter(assign(distinct(len(sums)), *shares, seed).values())
    counts = Counter(splits.values())
    assert counts["val"] <= wanted["val"]
    assert counts["test"] <= wanted["test"]


def test_single_pictures_fill_what_groups_leave() -> None:
    pairs = {f"twin {i}": "same" for i in range(50)} | distinct(50)
    assert Counter(assign(pairs, 0.2, 0.1, 0).values()) == {"train": 70, "val": 20, "test": 10}


def test_another_seed_is_another_split() -> None:
    assert assign(distinct(50), 0.2, 0.0, 0) != assign(distinct(50), 0.2, 0.0, 1)


@pytest.mark.parametrize(("val", "test"), [(1.0, 0.0), (0.5, 0.5), (-0.1, 0.0), (0.0, -0.1), (float("nan"), 0.0)])
def test_shares_that_leave_nothing_to_train_on_are_refused(val: float, test: float) -> None:
    with pytest.raises(UsageError, match="leave nothing to train on"):
        check_shares(val, test)
