"""Figures of all values of a dataset, over all images of a column that have one type and number of channels."""

from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

from i2i.errors import DataError, MissingSplitError
from i2i_doctor.facts import DTYPES
from i2i_doctor.known import FIXED, Known, Sums
from i2i_doctor.opening import open_as_training
from i2i_doctor.walk import Progress, walk


def statistics_of(
    dataset: str | Path,
    *,
    split: str | None = None,
    options: Mapping[str, Any] = {},
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure a dataset: one entry for each column, type and number of channels; see `figures`.

    Args:
        dataset: A folder or whatever else `i2i train` reads.
        split: Only this one; all when not given.
        options: Those of the dataset ``pairs``, as training would be given them.
        workers: How many processes, as many as there are cores when not given; see `i2i_doctor.walk.walk`.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset, or no such split.
        DataError: If it is not recognised, holds nothing, or an image cannot be read.
    """
    tables = open_as_training(str(dataset), options).tables
    if split is not None:
        if split not in tables:
            raise MissingSplitError(f"{dataset} has no split {split!r}, it has {', '.join(tables)}.")
        tables = {split: tables[split]}
    if not any(table.names for table in tables.values()):
        raise DataError(f"{dataset} holds no pairs. `i2i data check` says why.")
    known = walk(tables, workers=workers, on_progress=on_progress)
    for fault in known.faults:
        raise DataError(f"{known.name(fault.pair)}: {fault.message} `i2i data check` names all that cannot be read.")
    return figures(known)


def figures(known: Known) -> list[dict[str, Any]]:
    """Return sizes, shares and the figures of each channel as plain data.

    Values are in units of the type, shares of pixels lie in 0..1.
    """
    return [_figures(known, *key) for key in sorted(known.sums)]


def _figures(known: Known, column: str, dtype: int, channels: int) -> dict[str, Any]:
    facts = known.facts(column)
    facts = facts[facts["read"] & (facts["dtype"] == dtype) & (facts["channels"] == channels)]
    pixels = int((facts["height"].astype(int) * facts["width"]).sum())
    sums = known.sums[column, dtype, channels]
    return {
        "column": column,
        "dtype": DTYPES[dtype],
        "channels": channels,
        "images": len(facts),
        "pixels": pixels,
        **{side: [int(facts[side].min()), int(facts[side].max())] for side in ("height", "width")},
        "values": [_channel(sums, number, pixels, whole=DTYPES[dtype] != "float32") for number in range(channels)],
        **{name: int(facts[name].sum(dtype=int)) / pixels for name in ("dark", "light", "coloured")},
    }


def _channel(sums: Sums, number: int, pixels: int, *, whole: bool) -> dict[str, float]:
    total, squares = sums.total[number], sums.squares[number]
    variance = (pixels * squares * FIXED - total * total) / (pixels * FIXED) ** 2
    low, high = (float(limit[number]) for limit in (sums.low, sums.high))
    return {
        "min": int(low) if whole else low,
        "max": int(high) if whole else high,
        "mean": total / FIXED / pixels,
        "std": sqrt(max(variance, 0.0)),
    }
