"""Verify the checksums of a prepared dataset: decoders accept most flipped bits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from i2i.preparation.report import place_of, read_rows
from i2i.prepared import REPORT
from i2i.system.files import sha256_of


class Damage(NamedTuple):
    """A file that is not as it was made."""

    file: str
    """Relative to the dataset."""
    kind: Literal["missing", "damaged"]


def verify(folder: Path) -> list[Damage]:
    """Compare every file of a dataset that `prepare` made with its checksum in ``report.jsonl``.

    Args:
        folder: The dataset.

    Returns:
        The files that are missing, or have other bytes; a file that cannot be read is damaged.

    Raises:
        DataError: If the report is missing or damaged.
    """
    return [damage for file, sha256 in _files(folder) if (damage := _check(folder, file, sha256)) is not None]


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for row in read_rows(folder / REPORT):
        for output in row.outputs:
            yield place_of(row, output), output.sha256


def _check(folder: Path, file: str, sha256: str) -> Damage | None:
    try:
        same = sha256_of(folder / file) == sha256
    except FileNotFoundError:
        return Damage(file, "missing")
    except OSError:
        same = False
    return None if same else Damage(file, "damaged")
