"""Images of a column: their channels, types and sizes, whether they show something, and how they use their range."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from i2i.images.colour import ONE_LEVEL
from i2i.images.reader import MIN_SIDE
from i2i_doctor.diagnosis import Diagnosis, of_images
from i2i_doctor.facts import DTYPES, Facts
from i2i_doctor.walk import Known

SQUARE = 1.05  # most that one side of an image may be longer than the other
USUAL = 0.5  # share of the images that makes their size the usual one
BITS = (8, 10, 12, 14)
"""Of values that people store in 16."""

UINT8, UINT16, FLOAT32 = range(len(DTYPES))


def used_top(top: float) -> int | None:
    """Return the largest value of the 8, 10, 12 or 14 bits that 16-bit values use; none where they use more, or none.

    Example:
        >>> used_top(3000), used_top(65535)
        (4095, None)
    """
    return next((2**bits - 1 for bits in BITS if 0 < top < 2**bits), None)


def column_top(facts: Facts) -> int | None:
    """Return the value to show as white of a column of 16-bit images that use a quarter of their range or less."""
    read = facts[facts["read"]]
    return used_top(float(read["high"].max(initial=0))) if (read["dtype"] == UINT16).all() else None


def shows_something(facts: Facts) -> NDArray[np.bool_]:
    """Return which images were read, and are not of one colour."""
    return np.asarray(facts["read"] & (facts["deviation"] >= ONE_LEVEL))


def mixed_kinds(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images whose number of channels or type is not that of the others."""
    facts, find = known.facts[column], partial(of_images, known, column)
    channels, types = _counts(facts, "channels"), _counts(facts, "dtype")
    several = [number for number in channels if number != 1]
    if len(several) > 1:
        odd = ~np.isin(facts["channels"], [1, max(several, key=lambda number: channels[number])])
        said = ", ".join(f"{count:,} with {number}" for number, count in channels.items())
        text = f"Images of {{column}} differ in their channels: {said}."
        yield from find("channels", "error", odd, text, "Bring all to one number. Training would stop.")
    elif several:
        text = f"{{images}} {{are}} gray among others of {several[0]} channels."
        remedy = "Training repeats gray in every channel."
        yield from find("gray-among-colour", "note", facts["channels"] == 1, text, remedy)
    if len(types) > 1:
        rare = facts["dtype"] == min(types, key=lambda dtype: types[dtype])
        said = ", ".join(f"{count:,} {DTYPES[dtype]}" for dtype, count in types.items())
        text = f"Images of {{column}} differ in their type: {said}."
        yield from find("mixed-types", "warning", rare, text, "Convert them to one type, unless each uses its range.")


def _counts(facts: Facts, field: str) -> dict[int, int]:
    values, counts = np.unique(facts[field][facts["read"]], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def odd_sizes(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images that are tiny, of another size than most, or not square."""
    facts, find = known.facts[column], partial(of_images, known, column)
    sizes = np.stack([facts["width"], facts["height"]], axis=1)
    text = f"{{images}} {{are}} less than {MIN_SIDE} pixels wide or high."
    remedy = "Remove these pairs: there is hardly anything to learn from."
    yield from find("tiny", "warning", sizes.min(axis=1) < MIN_SIDE, text, remedy)
    found, counts = np.unique(sizes[facts["read"]], axis=0, return_counts=True)
    if counts.max() >= USUAL * counts.sum():
        usual = found[counts.argmax()]
        text = f"{{images}} {{are}} not {usual[0]}x{usual[1]} as the others are."
        remedy = "Training brings all to one size, unless data.resize is keep."
        yield from find("odd-sizes", "note", (sizes != usual).any(axis=1), text, remedy)
    stretched = sizes.max(axis=1) > SQUARE * sizes.min(axis=1)
    remedy = "Crop them first to keep their proportions: training resizes to a square, unless data.resize is keep."
    yield from find("not-square", "note", stretched, "{images} {are} not square.", remedy)


def unused_ranges(known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images of one colour, and types whose range is not used."""
    facts, find = known.facts[column], partial(of_images, known, column)
    low, high = facts["low"], facts["high"]
    whole, wide, floats = (facts["read"] & (facts["dtype"] == dtype) for dtype in (UINT8, UINT16, FLOAT32))
    zero_one = ~floats & (low == 0) & (high == 1)
    narrow = wide & (high <= 255) & (low < high)
    blank = ~shows_something(facts) & ~zero_one & ~narrow
    remedy = "Remove these pairs: there is nothing to learn from them."
    yield from find("blank", "warning", blank, "{images} {are} of one colour.", remedy)
    if (whole & zero_one).any():
        text = "{images} {hold} 0 and 1 only, of 255: as good as black."
        yield from find("zero-one", "warning", whole & zero_one, text, "Store masks as 0 and 255.")
    elif 0 < (top := high[whole].max(initial=0)) < 64 and facts["deviation"][whole].max() >= ONE_LEVEL / 4:
        text = f"No image of {{column}} holds a value above {top:g}, of 255."
        remedy = "If these are label ids, check them with --labels and prepare them with `i2i prepare labels`."
        yield from find("dark", "warning", whole, text, remedy)
    remedy = "Store them with 8 bits; or, if all are so, say `{range}=[0,255]`."
    yield from find(
        "8-bits-in-16", "warning", narrow, "{images} {hold} values of 8 bits in 16: as good as black.", remedy
    )
    if (limit := used_top(top := high[wide].max(initial=0))) and limit > 255:
        bits = f"{limit.bit_length()} bits in 16, nearly black"
        text = f"No image of {{column}} holds a value above {top:g}, of 65535: these are {bits}."
        remedy = f"Say what is white, `{{range}}=[0,{limit}]`, or multiply by {65535 / limit:.5g}."
        yield from find("low-bits-in-16", "warning", wide, text, remedy)
    if facts["widened"][wide].all():
        text = "Every value of {column} is a multiple of 257: these are 8 bits, stored in 16."
        remedy = "They train as they are; with 8 bits the files would be half as large."
        yield from find("widened", "note", wide, text, remedy)
    if low[floats].min(initial=0) >= 0:
        text = "No image of {column} holds a value below 0. Floats lie in [-1, 1]; these look like [0, 1]."
        yield from find("half-range", "warning", floats, text, "Store 2 * x - 1, or say `{range}=[0,1]`.")
