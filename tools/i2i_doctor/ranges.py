"""Whether images show something, and whether they use the range of values that their type has."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from i2i.errors import things
from i2i_doctor.diagnosis import Diagnosis, are, hold, images_of
from i2i_doctor.facts import DTYPES, Facts
from i2i_doctor.known import Known
from i2i_doctor.opening import Opened

ONE_LEVEL = 1 / 255  # of the range: what varies less shows nothing
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


def column_top(known: Known, column: str) -> int | None:
    """Return the value to show as white of a column of 16-bit images that use a quarter of their range or less."""
    facts = known.facts(column)
    read = facts[facts["read"]]
    if not len(read) or (read["dtype"] != UINT16).any():
        return None
    return used_top(float(read["high"].max()))


def unused_ranges(opened: Opened, known: Known, column: str) -> Iterator[Diagnosis]:
    """Find images of one colour, and types whose range is not used."""
    facts = known.facts(column)
    blank = images_of(known, column, (facts["deviation"] < ONE_LEVEL) & ~_zero_one(facts) & ~_eight_bits(facts))
    if blank.total:
        text = f"{things(blank.total, 'image')} of {column} {are(blank.total)} of one colour."
        yield Diagnosis("blank", "warning", text, "Remove these pairs: there is nothing to learn from them.", *blank)
    declare = f"`--set dataset.{opened.side_of(column)}_range="
    for dtype, found in (
        (UINT8, _range_of_8_bits),
        (UINT16, _range_of_16_bits),
        (FLOAT32, _range_of_floats),
    ):
        mask = facts["read"] & (facts["dtype"] == dtype)
        if mask.any():
            yield from found(known, column, mask, declare)


def _zero_one(facts: Facts) -> NDArray[np.bool_]:
    return np.asarray((facts["dtype"] != FLOAT32) & (facts["low"] == 0) & (facts["high"] == 1))


def _eight_bits(facts: Facts) -> NDArray[np.bool_]:
    return np.asarray((facts["dtype"] == UINT16) & (facts["high"] <= 255) & (facts["low"] < facts["high"]))


def _range_of_8_bits(known: Known, column: str, mask: NDArray[np.bool_], declare: str) -> Iterator[Diagnosis]:
    facts = known.facts(column)
    ones, top = images_of(known, column, mask & _zero_one(facts)), facts["high"][mask].max()
    if ones.total:
        text = f"{things(ones.total, 'image')} of {column} {hold(ones.total)} 0 and 1 only, of 255: as good as black."
        yield Diagnosis("zero-one", "warning", text, "Store masks as 0 and 255.", *ones)
    elif 0 < top < 64 and facts["deviation"][mask].max() >= ONE_LEVEL / 4:
        text = f"No image of {column} holds a value above {top:g}, of 255."
        remedy = "If these are label ids, check them with --labels and prepare them with `i2i prepare labels`."
        yield Diagnosis("dark", "warning", text, remedy, *images_of(known, column, mask))


def _range_of_16_bits(known: Known, column: str, mask: NDArray[np.bool_], declare: str) -> Iterator[Diagnosis]:
    facts = known.facts(column)
    top = facts["high"][mask].max()
    narrow, all_of_them = images_of(known, column, mask & _eight_bits(facts)), images_of(known, column, mask)
    if narrow.total:
        said = f"{things(narrow.total, 'image')} of {column} {hold(narrow.total)}"
        text = f"{said} values of 8 bits in 16: as good as black."
        remedy = f"Store them with 8 bits; or, if all are so, say {declare}[0,255]`."
        yield Diagnosis("8-bits-in-16", "warning", text, remedy, *narrow)
    limit = used_top(top)
    if limit and limit > 255:
        bits = limit.bit_length()
        text = f"No image of {column} holds a value above {top:g}, of 65535: these are {bits} bits in 16, nearly black."
        remedy = f"Say what is white, {declare}[0,{limit}]`, or multiply by {65535 / limit:.5g}."
        yield Diagnosis("low-bits-in-16", "warning", text, remedy, *all_of_them)
    if facts["widened"][mask].all():
        text = f"Every value of {column} is a multiple of 257: these are 8 bits, stored in 16."
        remedy = "They train as they are; with 8 bits the files would be half as large."
        yield Diagnosis("widened", "note", text, remedy, *all_of_them)


def _range_of_floats(known: Known, column: str, mask: NDArray[np.bool_], declare: str) -> Iterator[Diagnosis]:
    if known.facts(column)["low"][mask].min() >= 0:
        text = f"No image of {column} holds a value below 0. Floats lie in [-1, 1]; these look like [0, 1]."
        remedy = f"Store 2 * x - 1, or say {declare}[0,1]`."
        yield Diagnosis("half-range", "warning", text, remedy, *images_of(known, column, mask))
