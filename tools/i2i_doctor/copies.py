"""Pictures that are there more than once, in one split or on both sides of a split."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import without_suffix
from i2i.images.near_copies import alike_groups
from i2i.preparation.report import read_rows
from i2i.prepared import HALVES, REPORT
from i2i_doctor.diagnosis import EXAMPLES, Diagnosis, Example, Severity
from i2i_doctor.known import Known
from i2i_doctor.ranges import ONE_LEVEL

ONE_SIDE = "Keep copies on one side: `i2i prepare split` does."
SAID: Mapping[str, tuple[Severity, str, str]] = {
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


class Copies(NamedTuple):
    """Pairs whose images in one column are copies of each other."""

    column: str
    pairs: Sequence[int]
    splits: Sequence[str]
    """Of each pair."""

    @property
    def across(self) -> bool:
        """Whether they lie in more than one split."""
        return len(set(self.splits)) > 1

    def crossings(self) -> set[tuple[int, int]]:
        """Return the first members, each with every other in another split."""
        some = list(zip(self.pairs, self.splits, strict=True))
        return {(a, b) for a, first in some[:EXAMPLES] for b, second in some if a < b and first != second}


def groups_of(root: str) -> dict[str, str]:
    """Return the group that each pair was prepared in, by its name, of those that have one.

    Of a report that is missing nothing, of a damaged one what stands before the damage:
    `i2i_doctor.completeness.changed_files` says so.
    """
    groups = dict[str, str]()
    try:
        for row in read_rows(Path(root, REPORT)):
            for output in row.outputs if row.group else ():
                folder, _, file = output.file.partition("/")
                groups[printable(without_suffix(file if folder in HALVES else output.file))] = row.group
    except DataError:
        pass
    return groups


def copies(known: Known, groups: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Find identical images, and images that look the same; those on both sides of a split above all.

    Images of one colour are no copies of each other: there are many where backgrounds are plain.

    Args:
        known: The dataset.
        groups: Name of a pair -> the group that it was prepared in; members are alike by nature.
    """

    def together(found: Copies) -> bool:
        places = zip(found.splits, (known.locate(pair)[1] for pair in found.pairs), strict=True)
        of = {groups.get(known.tables[split].names[row]) for split, row in places}
        return len(of) == 1 and None not in of

    exact = [found for column in known.columns for found in _identical(known, column)]
    near = [found for column in known.columns for found in _alike(known, column)]
    both = set.intersection(
        *(set().union(*(c.crossings() for c in (*exact, *near) if c.column == column)) for column in known.columns)
    )
    sure = [found for found in near if found.crossings() & both]
    yield from _said(known, "leak", [found for found in exact if found.across])
    yield from _said(known, "near-leak", sure)
    yield from _said(known, "half-leak", [found for found in near if found.across and found not in sure])
    yield from _said(known, "duplicates", [found for found in exact if not found.across])
    yield from _said(known, "near-duplicates", [found for found in near if not found.across and not together(found)])


def _said(known: Known, code: str, groups: Sequence[Copies]) -> Iterator[Diagnosis]:
    if groups:
        severity, text, remedy = SAID[code]
        images = sum(len(group.pairs) for group in groups)
        text = text.format(f"{images:,} images", f"{len(groups):,} {'group' if len(groups) == 1 else 'groups'}")
        examples = [_example(known, group) for group in groups[:EXAMPLES]]
        yield Diagnosis(code, severity, text, remedy, len(groups), examples)


def _example(known: Known, group: Copies) -> Example:
    first = group.pairs[:4]
    more = f" and {len(group.pairs) - len(first):,} more" if len(group.pairs) > len(first) else ""
    places = tuple(place for pair in first for place in known.places(pair, [group.column]))
    return Example(f"{group.column} of {', '.join(map(known.name, first))}{more}", places)


def _identical(known: Known, column: str) -> Iterator[Copies]:
    """Find groups of equal pixels."""
    pairs, members = _pictures(known, column), defaultdict[bytes, list[int]](list)
    for pair, digest in zip(pairs.tolist(), known.facts(column)["digest"][pairs].tolist(), strict=True):
        members[digest].append(pair)
    yield from (_copies(known, column, some) for some in members.values() if len(some) > 1)


def _alike(known: Known, column: str) -> Iterator[Copies]:
    """Find groups that look the same and are not all identical."""
    pairs, facts = _pictures(known, column), known.facts(column)
    for places in alike_groups(facts["miniature"][pairs]):
        some = pairs[places]
        if len(np.unique(facts["digest"][some])) > 1:
            yield _copies(known, column, some.tolist())


def _pictures(known: Known, column: str) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Return the pairs whose image in a column shows something."""
    facts = known.facts(column)
    return np.flatnonzero(facts["read"] & (facts["deviation"] >= ONE_LEVEL))


def _copies(known: Known, column: str, pairs: Sequence[int]) -> Copies:
    return Copies(column, pairs, [known.locate(pair)[0] for pair in pairs])
