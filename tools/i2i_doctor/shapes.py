"""Channels, types and sizes of images, and whether the halves of pairs lie on each other."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from i2i.errors import things
from i2i_doctor.diagnosis import Diagnosis, are, images_of, pairs_of
from i2i_doctor.facts import DTYPES
from i2i_doctor.known import Known

MIN_SIDE = 16
SHIFTED = 1.0  # pixels that half of the pairs may be off
FAR = 4.0  # pixels that are no noise in any single pair
CERTAIN = 20.0  # height of the peak, in standard deviations, at which a single pair is believed
ENOUGH = 5  # clear shifts that a statement about all pairs needs
USUAL = 0.5  # share of the images that makes their size the usual one


def mixed_channels(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images whose number of channels is not that of the others."""
    facts, counts = known.facts(column), _counts(known, column, "channels")
    several = [channels for channels in counts if channels != 1]
    if len(several) > 1:
        said = ", ".join(f"{number:,} with {channels}" for channels, number in counts.items())
        usual = max(several, key=lambda channels: counts[channels])
        odd = images_of(known, column, (facts["channels"] != usual) & (facts["channels"] != 1))
        text = f"Images of {column} differ in their channels: {said}."
        yield Diagnosis("channels", "error", text, "Bring all to one number. Training would stop.", *odd)
    elif several and 1 in counts:
        gray = images_of(known, column, facts["channels"] == 1)
        number = things(gray.total, "image")
        text = f"{number} of {column} {are(gray.total)} gray among others of {several[0]} channels."
        yield Diagnosis("gray-among-colour", "note", text, "Training repeats gray in every channel.", *gray)


def mixed_types(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images whose type is not that of the others."""
    counts = _counts(known, column, "dtype")
    if len(counts) > 1:
        said = ", ".join(f"{number:,} {DTYPES[dtype]}" for dtype, number in counts.items())
        rare = min(counts, key=lambda dtype: counts[dtype])
        odd = images_of(known, column, known.facts(column)["dtype"] == rare)
        text = f"Images of {column} differ in their type: {said}."
        yield Diagnosis("mixed-types", "warning", text, "Convert them to one type, unless each uses its range.", *odd)


def _counts(known: Known, column: str, name: str) -> dict[int, int]:
    """Count the images of a column by a field."""
    facts = known.facts(column)
    found, numbers = np.unique(facts[name][facts["read"]], return_counts=True)
    return dict(zip(found.tolist(), numbers.tolist(), strict=True))


def unequal_sizes(known: Known) -> Iterator[Diagnosis]:
    """Find pairs whose halves differ in size."""
    differ = np.zeros(len(known), np.bool_)
    for one, other in combinations(map(known.facts, known.columns), 2):
        unlike = (one["height"] != other["height"]) | (one["width"] != other["width"])
        differ |= unlike & one["read"] & other["read"]

    def sized(pair: int) -> str:
        entries = [known.facts(place.column)[pair] for place in known.places(pair)]
        sizes = [f"{entry['width']}x{entry['height']}" for entry in entries]
        return f"{known.name(pair)}: {' and '.join(sizes)}"

    if differ.any():
        cases = pairs_of(known, np.flatnonzero(differ).tolist(), sized)
        text = f"In {things(cases.total, 'pair')} source and target differ in size."
        remedy = "Bring both to one size, such as with `--size` of `i2i prepare concat`. Training would stretch them."
        yield Diagnosis("unequal-sizes", "warning", text, remedy, *cases)


def odd_sizes(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images that are tiny, of another size than most, or not square."""
    facts = known.facts(column)
    sizes = np.stack([facts["width"], facts["height"]], axis=1)
    if (tiny := images_of(known, column, sizes.min(axis=1) < MIN_SIDE)).total:
        text = f"{things(tiny.total, 'image')} of {column} {are(tiny.total)} less than {MIN_SIDE} pixels wide or high."
        yield Diagnosis("tiny", "warning", text, "Remove these pairs: there is hardly anything to learn from.", *tiny)
    found, counts = np.unique(sizes[facts["read"]], axis=0, return_counts=True)
    if len(found) > 1 and counts.max() >= USUAL * counts.sum():
        usual = found[counts.argmax()]
        odd = images_of(known, column, (sizes != usual).any(axis=1))
        text = f"{things(odd.total, 'image')} of {column} {are(odd.total)} not {usual[0]}x{usual[1]} as the others are."
        yield Diagnosis("odd-sizes", "note", text, "Training brings all to one size, unless data.resize is keep.", *odd)
    if (stretched := images_of(known, column, sizes.max(axis=1) > 1.05 * sizes.min(axis=1))).total:
        text = f"{things(stretched.total, 'image')} of {column} {are(stretched.total)} not square."
        remedy = "Crop them first to keep their proportions: training resizes to a square, unless data.resize is keep."
        yield Diagnosis("not-square", "note", text, remedy, *stretched)


def shifted(known: Known) -> Iterator[Diagnosis]:
    """Find pairs whose halves do not lie on each other: all of them, or single ones."""
    clear = [pair for pair, shift in known.shifts.items() if shift.clear]
    if len(clear) < ENOUGH:
        return

    def described(pair: int) -> str:
        return f"{known.name(pair)}: target {_direction(*known.shifts[pair][:2])}"

    offsets = np.array([known.shifts[pair][:2] for pair in clear])
    right, down = np.median(offsets, axis=0)
    if np.hypot(right, down) > SHIFTED:
        text = f"Targets lie {_direction(right, down)} of their sources (median of {len(clear)} pairs)."
        remedy = "Shift them back, or the generator learns the shift."
        yield Diagnosis("shifted", "warning", text, remedy, *pairs_of(known, clear, described))
    far = np.hypot(*(offsets - (right, down)).T) > FAR
    stray = [pair for pair, away in zip(clear, far, strict=True) if away and known.shifts[pair].peak >= CERTAIN]
    if stray:
        text = f"{things(len(stray), 'pair')} of {len(clear)} compared {are(len(stray))} shifted, target to source."
        remedy = "Look at them; mend or remove them."
        yield Diagnosis("pair-shifted", "warning", text, remedy, *pairs_of(known, stray, described))


def _direction(right: float, down: float) -> str:
    across, along = ("right" if right > 0 else "left"), ("below" if down > 0 else "above")
    return f"{abs(right):.1f} px {across} and {abs(down):.1f} px {along}"


def turned(known: Known) -> Iterator[Diagnosis]:
    """Find pairs of which only one half was turned upright: a map drawn on the pixels as stored lies across it."""

    def described(pair: int) -> str:
        return f"{known.name(pair)}: only {' and '.join(sorted(known.turned[pair]))} was turned"

    if known.turned:
        text = f"In {things(len(known.turned), 'pair')} only one half was turned by its EXIF orientation."
        remedy = "Look at them. If the other was drawn on the stored pixels, turn it too, or remove the EXIF tag."
        yield Diagnosis("half-turned", "warning", text, remedy, *pairs_of(known, list(known.turned), described))
