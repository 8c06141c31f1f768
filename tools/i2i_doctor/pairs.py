"""Two halves that go together, and pairs that are there more than once, above all on both sides of a split."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i.errors import DataError, things
from i2i.images import printable
from i2i.images.discovery import without_suffix
from i2i.images.near_copies import alike_groups
from i2i.preparation.report import read_rows
from i2i.prepared import HALVES, REPORT
from i2i_doctor.columns import shows_something
from i2i_doctor.diagnosis import EXAMPLES, Diagnosis, Example, Severity, of_pairs
from i2i_doctor.walk import Known

SHIFTED = 1.0  # pixels that half of the pairs may be off
FAR = 4.0  # pixels that are no noise in any single pair
CERTAIN = 20.0  # height of the peak, in standard deviations, at which a single pair is believed
ENOUGH = 5  # clear shifts that a statement about all pairs needs
NAMED = 4  # copies that an example names

BY_SPLIT = ": `i2i prepare split` does."
ONE_SIDE = f"Keep copies on one side{BY_SPLIT}"
LEAK = "{copies} of identical ones lie in more than one split: what is measured was trained on."
NEAR_LEAK = "Pairs look the same in more than one split, source and target: {copies}."
REPEATED = "Remove what is there by mistake: it counts more often."
COPIES: Mapping[str, tuple[Severity, str, str]] = {
    "leak": ("error", LEAK, ONE_SIDE),
    "near-leak": ("error", NEAR_LEAK, ONE_SIDE),
    "half-leak": ("warning", "{copies} look the same in more than one split.", f"Look at them. {ONE_SIDE}"),
    "duplicates": ("warning", "{copies} are identical within a split.", REPEATED),
    "near-duplicates": (
        "note",
        "{copies} look the same within a split.",
        "Look at them: resized or recompressed copies?",
    ),
}
"""Code -> severity, text and remedy."""


def unequal_sizes(known: Known) -> Iterator[Diagnosis]:
    """Find pairs whose halves differ in size."""
    differ = np.zeros(len(known.opened), np.bool_)
    for one, other in combinations(known.facts.values(), 2):
        unlike = (one["height"] != other["height"]) | (one["width"] != other["width"])
        differ |= unlike & one["read"] & other["read"]

    def sizes(pair: int) -> str:
        entries = [known.facts[column][pair] for _, column in known.images_of(pair)]
        return ": " + " and ".join(f"{entry['width']}x{entry['height']}" for entry in entries)

    pairs = np.flatnonzero(differ).tolist()
    text = f"In {things(len(pairs), 'pair')} source and target differ in size."
    remedy = "Bring both to one size, such as with `--size` of `i2i prepare concat`. Training would stretch them."
    yield from of_pairs(known, "unequal-sizes", "warning", pairs, text, remedy, sizes)


def shifted(known: Known) -> Iterator[Diagnosis]:
    """Find pairs whose halves do not lie on each other: all of them, or single ones."""
    clear = [pair for pair, shift in known.shifts.items() if shift.clear]
    if len(clear) < ENOUGH:
        return

    def described(pair: int) -> str:
        return f": target {_direction(*known.shifts[pair][:2])}"

    offsets = np.array([known.shifts[pair][:2] for pair in clear])
    right, down = np.median(offsets, axis=0)
    if np.hypot(right, down) > SHIFTED:
        text = f"Targets lie {_direction(right, down)} of their sources (median of {len(clear)} pairs)."
        remedy = "Shift them back, or the generator learns the shift."
        yield from of_pairs(known, "shifted", "warning", clear, text, remedy, described)
    far = np.hypot(*(offsets - (right, down)).T) > FAR
    stray = [pair for pair, away in zip(clear, far, strict=True) if away and known.shifts[pair].peak >= CERTAIN]
    are = "is" if len(stray) == 1 else "are"
    text = f"{things(len(stray), 'pair')} of {len(clear)} compared {are} shifted, target to source."
    yield from of_pairs(known, "pair-shifted", "warning", stray, text, "Look at them; mend or remove them.", described)


def _direction(right: float, down: float) -> str:
    across, along = ("right" if right > 0 else "left"), ("below" if down > 0 else "above")
    return f"{abs(right):.1f} px {across} and {abs(down):.1f} px {along}"


def half_turned(known: Known) -> Iterator[Diagnosis]:
    """Find pairs of which only one half was turned upright: a map drawn on the pixels as stored lies across it."""
    turned = known.turned
    text = f"In {things(len(turned), 'pair')} only one half was turned by its EXIF orientation."
    remedy = "Look at them. If the other was drawn on the stored pixels, turn it too, or remove the EXIF tag."
    said = {pair: f": only {' and '.join(sorted(columns))} was turned" for pair, columns in turned.items()}
    yield from of_pairs(known, "half-turned", "warning", list(turned), text, remedy, said.__getitem__)


def undeclared_labels(known: Known) -> Iterator[Diagnosis]:
    """Find values of label maps that no label declares."""
    examples = []
    for value, pairs in sorted(known.strange.items(), key=lambda item: (-len(item[1]), item[0])):
        more = f" and {len(pairs) - 1:,} more" if len(pairs) > 1 else ""
        examples.append(Example(f"{value} in {known.opened.name(pairs[0])}{more}", known.images_of(pairs[0])))
    if examples:
        text = f"Label maps hold {things(len(examples), 'value')} that no label declares."
        remedy = "Declare them, in the list of labels or as dataset.source_classes and dataset.void, or mend the maps."
        yield Diagnosis("undeclared-label", "error", text, remedy, len(examples), examples[:EXAMPLES])


class Copies(NamedTuple):
    """Pairs whose images in one column are copies of each other."""

    column: str
    exact: bool
    """Whether their pixels are equal, or they look the same."""
    pairs: Sequence[int]
    splits: Sequence[str]
    """Of each pair."""

    @property
    def across(self) -> bool:
        """Return whether they lie in more than one split."""
        return len(set(self.splits)) > 1

    def crossings(self) -> set[tuple[int, int]]:
        """Return the first members, each with every other in another split."""
        some = list(zip(self.pairs, self.splits, strict=True))
        return {(a, b) for a, first in some[:EXAMPLES] for b, second in some if a < b and first != second}


def copies(known: Known) -> Iterator[Diagnosis]:
    """Find identical images, and images that look the same; those on both sides of a split above all.

    Images of one colour are no copies of each other: there are many where backgrounds are plain. Nor is it said of
    members of a group that the dataset was prepared in that they look the same: they do by nature.
    """
    found = [group for column in known.facts for group in _groups(known, column)]
    crossing = {column: set[tuple[int, int]]() for column in known.facts if column not in known.opened.classes}
    for group in found:
        if group.column in crossing:
            crossing[group.column] |= group.crossings()
    if known.opened.dataset == "unpaired":
        crossing = {}
    both = set.intersection(*crossing.values()) if crossing else set[tuple[int, int]]()
    prepared, by_code = _prepared_in(known), defaultdict(list)
    for group in found:
        together = {prepared.get(known.opened.name(pair).partition("/")[2]) for pair in group.pairs}
        if group.exact:
            by_code["leak" if group.across else "duplicates"].append(group)
        elif group.across:
            by_code["near-leak" if group.crossings() & both else "half-leak"].append(group)
        elif len(together) > 1 or None in together:
            by_code["near-duplicates"].append(group)
    for code, (severity, text, remedy) in COPIES.items():
        if some := by_code[code]:
            number = f"{things(sum(len(group.pairs) for group in some), 'image')} in {things(len(some), 'group')}"
            examples = [_example(known, group) for group in some[:EXAMPLES]]
            if known.opened.dataset == "unpaired":
                remedy = remedy.replace(BY_SPLIT, ".")
            yield Diagnosis(code, severity, text.format(copies=number), remedy, len(some), examples)


def _groups(known: Known, column: str) -> Iterator[Copies]:
    """Find groups of equal pixels and, but of class ids, groups that look the same and are not all identical."""
    facts, members = known.facts[column], defaultdict[bytes, list[int]](list)
    is_ids = column in known.opened.classes
    pairs = np.flatnonzero(facts["low"] < facts["high"] if is_ids else shows_something(facts))
    for pair, digest in zip(pairs.tolist(), facts["digest"][pairs].tolist(), strict=True):
        members[digest].append(pair)
    equal = [some for some in members.values() if len(some) > 1]
    alike = [] if is_ids else [pairs[places] for places in alike_groups(facts["miniature"][pairs])]
    near = [some.tolist() for some in alike if len(np.unique(facts["digest"][some])) > 1]
    for exact, groups in ((True, equal), (False, near)):
        for some in groups:
            yield Copies(column, exact, some, [known.opened.locate(pair)[0] for pair in some])


def _example(known: Known, group: Copies) -> Example:
    first = group.pairs[:NAMED]
    more = f" and {len(group.pairs) - len(first):,} more" if len(group.pairs) > len(first) else ""
    names = ", ".join(known.opened.name(pair, [group.column]) for pair in first)
    text = f"{group.column} of {names}{more}"
    return Example(text, [(pair, group.column) for pair in first])


def _prepared_in(known: Known) -> dict[str, str]:
    """Return the group that each pair was prepared in, by its name, of those that have one.

    Of a report that is missing nothing, of a damaged one what stands before the damage:
    `i2i_doctor.completeness.changed_files` says so.
    """
    groups = dict[str, str]()
    with suppress(DataError):
        for row in read_rows(Path(known.opened.root, REPORT)):
            for output in row.outputs if row.group else ():
                folder, _, file = output.file.partition("/")
                groups[printable(without_suffix(file if folder in HALVES else output.file))] = row.group
    return groups
