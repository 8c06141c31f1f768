"""Pictures that are there more than once, in one split or on both sides of a split."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from i2i.images.near_copies import alike_groups
from i2i_doctor.cases import Images, Known, Row, by_column, columns_of, row_name
from i2i_doctor.diagnosis import EXAMPLES, Diagnosis, Example, Severity
from i2i_doctor.facts import FACTS, Place
from i2i_doctor.ranges import ONE_LEVEL


class Group(NamedTuple):
    """Rows whose images in one column are copies of each other."""

    column: str
    rows: Sequence[Row]

    @property
    def across(self) -> bool:
        """Whether it lies in more than one split."""
        return len({facts.split for facts, _ in self.rows}) > 1

    @property
    def together(self) -> bool:
        """Whether all were prepared in one group, such as frames of one video: those are alike by nature."""
        groups = {facts.groups.get(facts.names[row]) for facts, row in self.rows}
        return len(groups) == 1 and None not in groups


def copies(known: Known) -> Iterator[Diagnosis]:
    """Identical images, and images that look the same; those on both sides of a split above all.

    Images of one colour are no copies of each other: there are many where backgrounds are plain.
    """
    pictures = {c: images.only(images.facts["deviation"] >= ONE_LEVEL) for c, images in by_column(known).items()}
    exact = [group for column, images in pictures.items() for group in _identical(column, images)]
    near = [group for column, images in pictures.items() for group in _alike(column, images)]
    both = set.intersection(*(_pairs_of([*exact, *near], column) for column in columns_of(known)))
    yield from _said("leak", [g for g in exact if g.across])
    sure = [g for g in near if g.across and _pairs_of([g], g.column) & both]
    yield from _said("near-leak", sure)
    yield from _said("half-leak", [g for g in near if g.across and g not in sure])
    yield from _said("duplicates", [g for g in exact if not g.across])
    yield from _said("near-duplicates", [g for g in near if not g.across and not g.together])


def _said(code: str, groups: Sequence[Group]) -> Iterator[Diagnosis]:
    if groups:
        severity, text, remedy = SAID[code]
        images = sum(len(group.rows) for group in groups)
        text = text.format(f"{images:,} images", f"{len(groups):,} {'group' if len(groups) == 1 else 'groups'}")
        yield Diagnosis(code, severity, text, remedy, len(groups), [_example(group) for group in groups[:EXAMPLES]])


ONE_SIDE = "Keep copies on one side: `i2i prepare split` does."
SAID: dict[str, tuple[Severity, str, str]] = {
    "leak": (
        "error",
        "{0} in {1} of identical ones lie in more than one split: what is measured was trained on.",
        ONE_SIDE,
    ),
    "near-leak": ("error", "Pairs look the same in more than one split, source and target: {0} in {1}.", ONE_SIDE),
    "half-leak": ("warning", "{0} in {1} look the same in more than one split.", f"Look at them. {ONE_SIDE}"),
    "duplicates": (
        "warning",
        "{0} in {1} are identical within a split.",
        "Remove what is there by mistake: it counts more often.",
    ),
    "near-duplicates": (
        "note",
        "{0} in {1} look the same within a split.",
        "Look at them: resized or recompressed copies?",
    ),
}


def _example(group: Group) -> Example:
    names = ", ".join(row_name(*row) for row in group.rows[:4])
    more = f" and {len(group.rows) - 4:,} more" if len(group.rows) > 4 else ""
    shown = tuple(Place(facts.split, row, group.column) for facts, row in group.rows[:4])
    return Example(f"{group.column} of {names}{more}", shown)


def _identical(column: str, images: Images) -> Iterator[Group]:
    entries = images.facts.view(np.dtype((np.void, FACTS.itemsize)))  # compared byte by byte
    _, inverse, counts = np.unique(entries, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    groups = [members for members in np.split(order, np.cumsum(counts)[:-1]) if len(members) > 1]
    for members in sorted(groups, key=lambda members: int(members[0])):
        yield Group(column, images.rows(members))


def _alike(column: str, images: Images) -> Iterator[Group]:
    """Groups that look the same and are not all identical."""
    for members in alike_groups(images.facts["miniature"]):
        if len({images.facts[place].tobytes() for place in members}) > 1:
            yield Group(column, images.rows(members))


def _pairs_of(groups: Sequence[Group], column: str) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    """First member of each group and each other in another split, as places."""
    pairs = set()
    for group in groups:
        if group.column == column:
            places = [(facts.split, row) for facts, row in group.rows]
            pairs |= {(a, b) for a in places[:EXAMPLES] for b in places if a[0] != b[0] and a < b}
    return pairs
