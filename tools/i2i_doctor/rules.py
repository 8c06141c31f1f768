"""What follows from the facts about a dataset; each rule yields a diagnosis, or none."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from i2i.splits import SPLITS
from i2i_doctor.cases import (
    Images,
    Known,
    Row,
    are,
    by_column,
    cases_of,
    listed,
    places,
    row_name,
    rows_where,
    things,
)
from i2i_doctor.diagnosis import Diagnosis, Example
from i2i_doctor.facts import DTYPES, SplitFacts

MIN_SIDE = 16
SHIFTED = 1.0  # pixels that half of the pairs may be off
FAR = 4.0  # pixels that are no noise in any single pair
CERTAIN = 20.0  # height of the peak, in standard deviations, at which a single pair is believed
ENOUGH = 5  # clear shifts that a statement about all pairs needs
USUAL = 0.5  # share of the images that makes their size the usual one


def completeness(known: Known) -> Iterator[Diagnosis]:
    """Splits that are missing, and files that are no rows."""
    if "train" not in known:
        text = f"There is no split 'train', only {', '.join(known)}."
        yield Diagnosis("no-train", "error", text, "Name the split to train on 'train'.", 1)
    elif "val" not in known:
        text = "There is no split 'val': nothing is held out to measure on."
        remedy = "Hold some pairs out: `--set dataset.val_share=0.1`, or `--val 0.1` of `i2i prepare`."
        yield Diagnosis("no-val", "warning", text, remedy, 1)
    for split, facts in known.items():
        if split not in SPLITS:
            text = f"Training does not see the {things(len(facts.names), 'pair')} of the split {split!r}."
            yield Diagnosis("other-split", "warning", text, "Call the split train, val or test if it should.", 1)
        if not len(facts.names):
            text = f"The split {split!r} holds no pairs."
            yield Diagnosis("empty-split", "error", text, "Add pairs, or remove the split.", 1)
    reasons = defaultdict(list)
    for problem in dict.fromkeys(problem for facts in known.values() for problem in facts.problems):
        reasons[problem.reason].append(Example(problem.message))
    for reason, examples in sorted(reasons.items()):
        text = f"{things(len(examples), 'entry', 'entries')} left out: {PROBLEMS.get(reason, reason)}."
        remedy = "Mend or remove what is named. Training would not see it."
        yield Diagnosis(reason, "error", text, remedy, *listed(examples))


PROBLEMS = {
    "no-partner": "no partner",
    "same-name": "several files of one name",
    "missing-file": "listed, and not there",
    "bad-row": "a row that cannot be used",
}


def readability(known: Known) -> Iterator[Diagnosis]:
    """Images that cannot be read, and what was odd about those that can."""
    faults, notes = defaultdict[str, list[Example]](list), defaultdict[str, list[Row]](list)
    for facts in known.values():
        for fault in facts.faults:
            name = row_name(facts, fault.place.row)
            column = f", {fault.place.column}" if fault.place.column else ""
            faults[fault.reason].append(Example(f"{name}{column}: {fault.message}", places(facts, fault.place.row)))
        for note, rows in facts.notes.items():
            notes[note] += [(facts, row) for row in rows]
    for reason, examples in sorted(faults.items()):
        text = f"{things(len(examples), 'image')} cannot be read: {FAULTS.get(reason, reason.replace('-', ' '))}."
        yield Diagnosis(
            reason, "error", text, "Replace them, or remove their pairs. Training would stop.", *listed(examples)
        )
    for note, cases in sorted(notes.items()):
        text = f"{things(len(cases), 'image')}: {note}."
        yield Diagnosis("as-read", "note", text, "Look at them if you did not mean that.", *cases_of(cases, row_name))


FAULTS = {"crashed": "the decoder died", "timed-out": "the decoder hung", "corrupt": "damaged", "truncated": "cut off"}


def shapes(known: Known) -> Iterator[Diagnosis]:
    """Channels, bit depths and sizes."""
    images = by_column(known)
    for column, some in images.items():
        yield from _channels(column, some)
        yield from _depths(column, some)
    yield from _unequal(known)
    for column, some in images.items():
        yield from _sizes(column, some)


def _channels(column: str, images: Images) -> Iterator[Diagnosis]:
    counts = images.counts("channels")
    several = [channels for channels in counts if channels != 1]
    if len(several) > 1:
        said = ", ".join(f"{number:,} with {channels}" for channels, number in counts.items())
        usual = max(several, key=lambda channels: counts[channels])
        odd = images.where((images.facts["channels"] != usual) & (images.facts["channels"] != 1))
        text = f"Images of {column} differ in their channels: {said}."
        yield Diagnosis("channels", "error", text, "Bring all to one number. Training would stop.", *odd)
    elif several and 1 in counts:
        gray = images.where(images.facts["channels"] == 1)
        text = (
            f"{things(gray.total, 'image')} of {column} {are(gray.total)} gray among others of {several[0]} channels."
        )
        yield Diagnosis("gray-among-colour", "note", text, "Training repeats gray in every channel.", *gray)


def _depths(column: str, images: Images) -> Iterator[Diagnosis]:
    counts = images.counts("dtype")
    if len(counts) > 1:
        said = ", ".join(f"{number:,} {DTYPES[dtype]}" for dtype, number in counts.items())
        rare = min(counts, key=lambda dtype: counts[dtype])
        odd = images.where(images.facts["dtype"] == rare)
        text = f"Images of {column} differ in their type: {said}."
        yield Diagnosis("mixed-types", "warning", text, "Convert them to one type, unless each uses its range.", *odd)


def _unequal(known: Known) -> Iterator[Diagnosis]:
    unequal = list[Row]()
    for facts in known.values():
        first, *others = facts.facts.values()
        for other in others:
            differ = (first["height"] != other["height"]) | (first["width"] != other["width"])
            unequal += rows_where(facts, differ & first["read"] & other["read"])
    if unequal:
        text = f"In {things(len(unequal), 'pair')} source and target differ in size."
        remedy = "Bring both to one size, such as with `--size` of `i2i prepare concat`. Training would stretch them."
        yield Diagnosis("unequal-sizes", "warning", text, remedy, *cases_of(unequal, _sized))


def _sized(facts: SplitFacts, row: int) -> str:
    entries = [facts.facts[column][row] for column in facts.columns]
    sizes = " and ".join(f"{entry['width']}x{entry['height']}" for entry in entries)
    return f"{row_name(facts, row)}: {sizes}"


def _sizes(column: str, images: Images) -> Iterator[Diagnosis]:
    sizes = np.stack([images.facts["width"], images.facts["height"]], axis=1)
    tiny = images.where(sizes.min(axis=1) < MIN_SIDE)
    if tiny.total:
        text = f"{things(tiny.total, 'image')} of {column} {are(tiny.total)} less than {MIN_SIDE} pixels wide or high."
        yield Diagnosis("tiny", "warning", text, "Remove these pairs: there is hardly anything to learn from.", *tiny)
    kinds, counts = np.unique(sizes, axis=0, return_counts=True)
    if len(kinds) > 1 and counts.max() >= USUAL * len(sizes):
        usual = kinds[counts.argmax()]
        odd = images.where((sizes != usual).any(axis=1))
        text = f"{things(odd.total, 'image')} of {column} {are(odd.total)} not {usual[0]}x{usual[1]} as the others are."
        yield Diagnosis("odd-sizes", "note", text, "Training brings all to one size, unless data.resize is keep.", *odd)
    stretched = images.where(sizes.max(axis=1) > 1.05 * sizes.min(axis=1))
    if stretched.total:
        text = f"{things(stretched.total, 'image')} of {column} {are(stretched.total)} not square."
        remedy = "Crop them first to keep their proportions: training resizes to a square, unless data.resize is keep."
        yield Diagnosis("not-square", "note", text, remedy, *stretched)


def alignment(known: Known) -> Iterator[Diagnosis]:
    """Pairs whose halves do not lie on each other."""
    clear = [(facts, a.row) for facts in known.values() for a in facts.shifts if a.shift.clear]
    shifts = {(a.split, a.row): a.shift for facts in known.values() for a in facts.shifts}
    if not clear:
        return

    def described(facts: SplitFacts, row: int) -> str:
        shift = shifts[facts.split, row]
        return f"{row_name(facts, row)}: target {_direction(shift.right, shift.down)}"

    def peak(place: Row) -> float:
        return shifts[place[0].split, place[1]].peak

    offsets = np.array([shifts[facts.split, row][:2] for facts, row in clear])
    right, down = np.median(offsets, axis=0)
    if len(clear) >= ENOUGH and np.hypot(right, down) > SHIFTED:
        text = f"Targets lie {_direction(right, down)} of their sources (median of {len(clear)} pairs)."
        remedy = "Shift them back, or the generator learns the shift."
        yield Diagnosis("shifted", "warning", text, remedy, *cases_of(clear, described))
    far = np.hypot(*(offsets - (right, down)).T) > FAR
    stray = [row for row, away in zip(clear, far, strict=True) if away and peak(row) >= CERTAIN]
    if stray and len(clear) >= ENOUGH:
        text = f"{things(len(stray), 'pair')} of {len(clear)} compared {are(len(stray))} shifted, target to source."
        yield Diagnosis(
            "pair-shifted", "warning", text, "Look at them; mend or remove them.", *cases_of(stray, described)
        )


def _direction(right: float, down: float) -> str:
    across, along = ("right" if right > 0 else "left"), ("below" if down > 0 else "above")
    return f"{abs(right):.1f} px {across} and {abs(down):.1f} px {along}"


def label_ids(known: Known) -> Iterator[Diagnosis]:
    """Values of label maps that no label declares."""
    rows = defaultdict[str, list[Row]](list)
    for facts in known.values():
        for value, some in facts.strange.items():
            rows[value] += [(facts, row) for row in some]
    if not rows:
        return
    examples = []
    for value, cases in sorted(rows.items(), key=lambda item: (-len(item[1]), item[0])):
        more = f" and {len(cases) - 1:,} more" if len(cases) > 1 else ""
        examples.append(Example(f"{value} in {row_name(*cases[0])}{more}", places(*cases[0])))
    text = f"Label maps hold {things(len(rows), 'value')} that no label declares."
    remedy = "Declare them in the list of labels, or mend the maps."
    yield Diagnosis("undeclared-label", "error", text, remedy, *listed(examples))
