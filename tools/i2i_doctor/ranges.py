"""Whether images show something, and whether they use the range of values that their type has."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from i2i_doctor.cases import Images, Known, are, by_column, hold, things
from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.facts import DTYPES, Facts

ONE_LEVEL = 1 / 255  # of the range: what varies less shows nothing


def values(known: Known, labels: str | None) -> Iterator[Diagnosis]:
    """Images that show nothing, and ranges that are not used as their type says.

    Args:
        known: The splits.
        labels: A column of label maps, whose values are ids and no brightness.
    """
    for column, images in by_column(known).items():
        if column != labels:
            yield from _blank(column, images)
            for dtype in images.counts("dtype"):
                yield from RANGES[DTYPES[dtype]](column, images.only(images.facts["dtype"] == dtype))


def _blank(column: str, images: Images) -> Iterator[Diagnosis]:
    facts = images.facts
    cases = images.where((facts["deviation"] < ONE_LEVEL) & ~_zero_one(facts) & ~_eight_bits(facts))
    if cases.total:
        text = f"{things(cases.total, 'image')} of {column} {are(cases.total)} of one colour."
        yield Diagnosis("blank", "warning", text, "Remove these pairs: there is nothing to learn from them.", *cases)


def _zero_one(facts: Facts) -> NDArray[np.bool_]:
    return np.asarray((facts["dtype"] != DTYPES.index("float32")) & (facts["low"] == 0) & (facts["high"] == 1))


def _eight_bits(facts: Facts) -> NDArray[np.bool_]:
    return np.asarray(
        (facts["dtype"] == DTYPES.index("uint16")) & (facts["high"] <= 255) & (facts["low"] < facts["high"])
    )


def _range_of_8_bits(column: str, images: Images) -> Iterator[Diagnosis]:
    ones, top = _zero_one(images.facts), images.facts["high"].max()
    if ones.any():
        cases = images.where(ones)
        text = f"{things(cases.total, 'image')} of {column} {hold(cases.total)} 0 and 1 only, of 255: as good as black."
        yield Diagnosis("zero-one", "warning", text, "Store masks as 0 and 255.", *cases)
    elif 0 < top < 64 and images.facts["deviation"].max() >= ONE_LEVEL / 4:
        text = f"No image of {column} holds a value above {top:g}, of 255."
        remedy = "If these are label ids, check them with --labels and prepare them with `i2i prepare labels`."
        yield Diagnosis("dark", "warning", text, remedy, *images.where(images.facts["high"] <= top))


def _range_of_16_bits(column: str, images: Images) -> Iterator[Diagnosis]:
    facts, top = images.facts, images.facts["high"].max()
    cases = images.where(_eight_bits(facts))
    if cases.total:
        text = (
            f"{things(cases.total, 'image')} of {column} {hold(cases.total)} values of 8 bits in 16: as good as black."
        )
        yield Diagnosis("8-bits-in-16", "warning", text, "Store them with 8 bits, or multiply by 257.", *cases)
    bits = next((bits for bits in (10, 12, 14) if 255 < top < 2**bits), None)
    if bits:
        text = f"No image of {column} holds a value above {top:g}, of 65535: these are {bits} bits in 16."
        remedy = f"Multiply by {65535 / (2**bits - 1):.5g}, or declare the range: the type alone says what is white."
        yield Diagnosis("low-bits-in-16", "warning", text, remedy, *images.where(facts["high"] <= top))
    if facts["widened"].all():
        text = f"Every value of {column} is a multiple of 257: these are 8 bits, stored in 16."
        yield Diagnosis(
            "widened",
            "note",
            text,
            "They train as they are; with 8 bits the files would be half as large.",
            *images.all(),
        )


def _range_of_floats(column: str, images: Images) -> Iterator[Diagnosis]:
    if images.facts["low"].min() >= 0:
        text = f"No image of {column} holds a value below 0. Floats lie in [-1, 1]; these look like [0, 1]."
        yield Diagnosis("half-range", "warning", text, "Store 2 * x - 1, or declare the range.", *images.all())


RANGES = {"uint8": _range_of_8_bits, "uint16": _range_of_16_bits, "float32": _range_of_floats}
