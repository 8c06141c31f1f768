"""Which pairs of a prepared dataset belong together."""

from pathlib import Path

from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import without_suffix
from i2i.preparation.report import read_rows
from i2i.prepared import HALVES, REPORT


def groups_of(root: str) -> dict[str, str]:
    """Name of a pair -> its group, by what ``report.jsonl`` says of those that have one.

    Of a report that is missing nothing, of a damaged one what stands before the damage: `checksums` says so.
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
