"""What ``report.jsonl`` of a prepared dataset knows: which pairs belong together, and what the files were."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import without_suffix
from i2i.preparation.report import read_rows
from i2i.preparation.verify import verify
from i2i.prepared import HALVES, REPORT
from i2i_doctor.diagnosis import Diagnosis, Example, listed

CHANGED = {
    "missing": ("files that `i2i prepare` made are gone", "Restore them, or prepare again with --overwrite."),
    "damaged": ("files are not as `i2i prepare` made them", "Restore them, unless they were changed on purpose."),
}


def groups_of(root: str) -> dict[str, str]:
    """Return the group that each pair was prepared in, by its name, of those that have one.

    Of a report that is missing nothing, of a damaged one what stands before the damage: `changed_files` says so.
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


def changed_files(root: str) -> Iterator[Diagnosis]:
    """Find files that differ from their checksums; nothing where there is no report."""
    if not Path(root, REPORT).is_file():
        return
    files = defaultdict[str, list[Example]](list)
    try:
        for damage in verify(Path(root)):
            files[damage.kind].append(Example(damage.file))
    except DataError as error:
        yield Diagnosis("no-checksums", "warning", f"Checksums cannot be compared: {error}", "Prepare again.")
    for kind, examples in sorted(files.items()):
        text, remedy = CHANGED[kind]
        yield Diagnosis(f"{kind}-file", "error", f"{len(examples):,} {text}.", remedy, *listed(examples))
