"""Whether the files of a prepared dataset are still those that were written."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from i2i.errors import DataError
from i2i.preparation.verify import verify
from i2i.prepared import REPORT
from i2i_doctor.diagnosis import EXAMPLES, Diagnosis, Example

SAID = {
    "missing": ("files that `i2i prepare` made are gone", "Restore them, or prepare again with --overwrite."),
    "damaged": ("files are not as `i2i prepare` made them", "Restore them, unless they were changed on purpose."),
}


def checksums(root: str) -> Iterator[Diagnosis]:
    """Files of a dataset folder that differ from what ``report.jsonl`` says of them; nothing where there is none."""
    folder = Path(root)
    if not (folder / REPORT).is_file():
        return
    files = defaultdict[str, list[Example]](list)
    try:
        for damage in verify(folder):
            files[damage.kind].append(Example(damage.file))
    except DataError as error:
        yield Diagnosis("no-checksums", "warning", f"Checksums cannot be compared: {error}", "Prepare again.", 1)
    for kind, examples in sorted(files.items()):
        text, remedy = SAID[kind]
        total = len(examples)
        yield Diagnosis(f"{kind}-file", "error", f"{total:,} {text}.", remedy, total, examples[:EXAMPLES])
