"""The split depends on seed, shares and pairs alone, keeps its shares, and never parts what belongs together."""

from collections import Counter
from random import Random
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i.errors import UsageError
from i2i.preparation.splitting import Member, Rule, assign, check_shares
from i2i.splits import Split


def look(name: str) -> bytes:
    """The miniature of a picture that looks like no other; of those of one name, one like the other."""
    return np.random.default_rng(list(name.encode())).integers(0, 256, 256).astype(np.uint8).tobytes()


def nearly(likeness: bytes, seed: int) -> bytes:
    """The miniature of a copy of a picture."""
    noise = np.random.default_rng(seed).normal(0, 2, 256)
    return np.clip(np.rint(np.frombuffer(likeness, np.uint8) + noise), 0, 255).astype(np.uint8).tobytes()


SHARES = st.sampled_from([(0.1, 0.0), (0.1, 0.1), (0.25, 0.25), (0.0, 0.0), (0.5, 0.4), (0.0, 0.3)])
RULES = st.sampled_from(get_args(Rule))
SOME = st.sampled_from(["", "", "x", "y", "z"])
MEMBERS = st.lists(st.tuples(st.integers(0, 30), SOME, SOME), max_size=40).map(
    lambda drawn: [
        Member(f"{i}.png", (f"sum {c}",), (look(like),) if like else (), group)
        for i, (c, like, group) in enumerate(drawn)
    ]
)


def distinct(count: int, prefix: str = "") -> list[Member]:
    return [Member(f"{prefix}{i}.png", (f"sum {prefix}{i}",)) for i in range(count)]


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


@given(MEMBERS, SHARES, st.integers(0, 5), RULES, st.randoms())
def test_split_does_not_depend_on_the_order(
    members: list[Member], shares: tuple[float, float], seed: int, rule: Rule, random: Random
) -> None:
    shuffled = random.sample(members, len(members))
    assert assign(shuffled, *shares, seed, rule) == assign(members, *shares, seed, rule)


@given(MEMBERS, SHARES, st.integers(0, 5), RULES)
def test_same_content_same_looks_and_same_group_stay_together(
    members: list[Member], shares: tuple[float, float], seed: int, rule: Rule
) -> None:
    splits = assign(members, *shares, seed, rule)
    assert splits.keys() == {member.name for member in members}
    for mark in {mark for member in members for mark in marks(member)}:
        assert len({splits[member.name] for member in members if mark in marks(member)}) == 1, mark


def marks(member: Member) -> set[str | bytes]:
    """What a pair may have in common with others, where what looks the same has equal miniatures."""
    return {*member.contents, *member.likeness, *([f"group {member.group}"] if member.group else [])}


@given(MEMBERS, SHARES)
def test_a_share_is_larger_than_it_should_be_only_where_it_would_be_empty(
    members: list[Member], shares: tuple[float, float]
) -> None:
    wanted = Counter(assign(distinct(len(members)), *shares, 0).values())
    splits = assign(members, *shares, 0)
    for split in ("val", "test"):
        held_out = [member for member in members if splits[member.name] == split]
        if len(held_out) > wanted[split]:
            assert len(together(held_out)) == 1
            smaller = [block for block in together(members) if len(block) < len(held_out)]
            assert all(splits[name] in {"val", "test"} - {split} for block in smaller for name in block)
        elif wanted[split] and not held_out:
            assert len(together([member for member in members if splits[member.name] == "train"])) == 1


def together(members: list[Member]) -> list[set[str]]:
    """Names of the pairs that marks link, by merging what overlaps until nothing does."""
    merged: list[tuple[set[str], set[str | bytes]]] = []
    for member in members:
        own = marks(member)
        linked = [block for block in merged if block[1] & own]
        merged = [block for block in merged if not block[1] & own]
        merged.append(({member.name}.union(*(b[0] for b in linked)), own.union(*(b[1] for b in linked))))
    return [names for names, _ in merged]


def test_three_videos_have_a_validation_and_a_test_one() -> None:
    sizes = {"a": 50, "b": 30, "c": 40}
    members = [Member(f"{v}/{i}", (f"{v} {i}",), (), v) for v, count in sizes.items() for i in range(count)]
    splits = assign(members, 0.1, 0.1, 0)
    assert {split: {name[0] for name in splits if splits[name] == split} for split in ("val", "test")} == {
        "val": {"b"},
        "test": {"c"},
    }
    assert set(assign(members[:50], 0.1, 0.1, 0).values()) == {"train"}


def test_any_image_in_common_keeps_pairs_together() -> None:
    members = [Member(f"{i}", (f"source {i}", f"target {i // 2}")) for i in range(20)]
    members += [Member(f"like {i}", (f"own {i}",), (look(f"a {i}"), nearly(look(f"b {i // 2}"), i))) for i in range(20)]
    splits = assign(members, 0.3, 0.2, 0)
    for start in range(0, 40, 2):
        assert splits[members[start].name] == splits[members[start + 1].name]


@pytest.mark.parametrize("rule", get_args(Rule))
def test_copies_that_are_not_quite_equal_stay_together_whatever_the_order(rule: Rule) -> None:
    members = [Member(f"{i}", (f"own {i}",), (nearly(look(f"{i // 3}"), i),)) for i in range(90)]
    assert len({member.likeness for member in members}) == 90
    splits = assign(members, 0.3, 0.2, 0, rule)
    assert all(len({splits[f"{i + k}"] for k in range(3)}) == 1 for i in range(0, 90, 3))
    assert len({splits[f"{i}"] for i in range(0, 90, 3)}) == 3
    assert assign(members[::-1], 0.3, 0.2, 0, rule) == splits


def test_single_pictures_fill_what_groups_leave() -> None:
    members = [Member(f"twin {i}", ("same",)) for i in range(50)] + distinct(50)
    assert Counter(assign(members, 0.2, 0.1, 0).values()) == {"train": 70, "val": 20, "test": 10}


@given(
    st.lists(st.tuples(st.integers(0, 30), SOME), max_size=40),
    st.integers(0, 40),
    SHARES,
    st.integers(0, 5),
    st.booleans(),
)
def test_more_pairs_never_move_others_when_split_by_hash(
    drawn: list[tuple[int, str]], first: int, shares: tuple[float, float], seed: int, looks: bool
) -> None:
    members = [
        Member(
            f"{i}",
            (f"own {i}" if mark else f"sum {c}",),
            (look(mark),) if looks and mark else (),
            "" if looks else mark,
        )
        for i, (c, mark) in enumerate(drawn)
    ]
    before = assign(members[:first], *shares, seed, "hash")
    after = assign(members, *shares, seed, "hash")
    assert {name: after[name] for name in before} == before


def test_hash_keeps_shares_on_average_and_renaming_changes_nothing() -> None:
    members = distinct(4000)
    splits = assign(members, 0.2, 0.1, 0, "hash")
    counts = Counter(splits.values())
    assert 700 < counts["val"] < 900  # 4 standard deviations of a binomial are 101
    assert 320 < counts["test"] < 480
    renamed = [member._replace(name=f"new {member.name}") for member in members]
    assert assign(renamed, 0.2, 0.1, 0, "hash") == {f"new {name}": split for name, split in splits.items()}


@given(
    st.lists(st.sampled_from([None, "train", "val", "test"]), max_size=30),
    st.lists(SOME, min_size=30, max_size=30),
    SHARES,
    RULES,
)
def test_what_must_go_somewhere_goes_there_and_takes_its_group_along(
    forced: list[Split | None], groups: list[str], shares: tuple[float, float], rule: Rule
) -> None:
    members = [
        Member(f"{i}", (f"sum {i}",), (), group, split)
        for i, (split, group) in enumerate(zip(forced, groups, strict=False))
    ]
    splits = assign(members, *shares, 0, rule)
    for member in members:
        fellows = {other.forced for other in members if other.group == member.group != ""} - {None}
        if member.forced is not None:
            assert splits[member.name] == member.forced
        elif fellows:
            assert splits[member.name] in fellows
            assert splits[member.name] != "train" or fellows == {"train"}


def test_forced_pairs_count_towards_the_shares() -> None:
    members = [member._replace(forced="val") for member in distinct(10)] + distinct(90, "free ")
    assert Counter(assign(members, 0.1, 0.0, 0).values()) == {"val": 10, "train": 90}


def test_another_seed_is_another_split() -> None:
    for rule in get_args(Rule):
        assert assign(distinct(50), 0.2, 0.0, 0, rule) != assign(distinct(50), 0.2, 0.0, 1, rule)


@pytest.mark.parametrize(("val", "test"), [(1.0, 0.0), (0.5, 0.5), (-0.1, 0.0), (0.0, -0.1), (float("nan"), 0.0)])
def test_shares_that_leave_nothing_to_train_on_are_refused(val: float, test: float) -> None:
    with pytest.raises(UsageError, match="leave nothing to train on"):
        check_shares(val, test)
