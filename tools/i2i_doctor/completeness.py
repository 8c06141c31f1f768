"""Whether training would read all of a dataset: its splits, its rows, its images."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from i2i.data.dataset import Pairs
from i2i.errors import DataError, I2iError, things
from i2i.options import build
from i2i.plugins import lookup
from i2i.preparation.report import verify
from i2i.prepared import REPORT
from i2i.splits import SPLITS
from i2i_doctor.diagnosis import EXAMPLES, Diagnosis, Example, of_pairs
from i2i_doctor.walk import Known

WHY = {
    "no-partner": "no partner",
    "same-name": "several files of one name",
    "missing-file": "listed, and not there",
    "bad-row": "a row that cannot be used",
    "crashed": "the decoder died",
    "timed-out": "the decoder hung",
    "corrupt": "damaged",
    "truncated": "cut off",
}
"""Codes in words, where they are not words themselves."""
CHANGED = {
    "missing": (
        "lost-file",
        "files that `i2i prepare` made are gone",
        "Restore them, or prepare again with --overwrite.",
    ),
    "damaged": (
        "damaged-file",
        "files are not as `i2i prepare` made them",
        "Restore them, unless they were changed on purpose.",
    ),
}
"""Kind of damage -> code, text and remedy."""


def missing_splits(known: Known) -> Iterator[Diagnosis]:
    """Find splits that training needs and does not have, or has and does not see."""
    tables = known.opened.tables
    if "train" not in tables:
        text = f"There is no split 'train', only {', '.join(tables)}."
        yield Diagnosis("no-train", "error", text, "Name the split to train on 'train'.")
    elif "val" not in tables:
        text = "There is no split 'val': nothing is held out to measure on."
        remedy = "Hold some pairs out: `--set dataset.val_share=0.1`, or `--val 0.1` of `i2i prepare`."
        if known.opened.dataset == "unpaired":
            remedy = "Put some images of each side into valA and valB, to see samples that were not trained on."
        yield Diagnosis("no-val", "warning", text, remedy)
    for split, table in tables.items():
        if split not in SPLITS:
            text = f"Training does not see the {things(len(table.names), 'pair')} of the split {split!r}."
            yield Diagnosis("other-split", "warning", text, "Call the split train, val or test if it should.")
        if not table.names:
            text = f"The split {split!r} holds no pairs."
            yield Diagnosis("empty-split", "error", text, "Add pairs, or remove the split.")


def left_out(known: Known) -> Iterator[Diagnosis]:
    """Find what is in the dataset and no row of it."""
    problems = dict.fromkeys(problem for table in known.opened.tables.values() for problem in table.problems)
    cases = [(problem.reason, Example(problem.message)) for problem in problems]
    for code, examples in _by_code(cases):
        text = f"{things(len(examples), 'entry', 'entries')} left out: {WHY.get(code, code)}."
        remedy = "Mend or remove what is named. Training would not see it."
        if code == "no-partner":
            remedy += " If images are no pairs at all, say `--use dataset=unpaired`."
        yield Diagnosis(code, "error", text, remedy, len(examples), examples[:EXAMPLES])


def unreadable(known: Known) -> Iterator[Diagnosis]:
    """Find images that cannot be read."""
    cases = []
    for fault in known.faults:
        where = f"{known.opened.name(fault.pair, [fault.column])}, {fault.column}".removesuffix(", ")
        cases.append((fault.reason, Example(f"{where}: {fault.message}", known.images_of(fault.pair))))
    for code, examples in _by_code(cases):
        text = f"{things(len(examples), 'image')} cannot be read: {WHY.get(code, code.replace('-', ' '))}."
        remedy = "Replace them, or remove their pairs. Training would stop."
        if known.opened.dataset == "unpaired":
            remedy = "Replace or remove them. Training would stop."
        yield Diagnosis(code, "error", text, remedy, len(examples), examples[:EXAMPLES])


def changed_files(known: Known) -> Iterator[Diagnosis]:
    """Find files that differ from their checksums; nothing where there is no report."""
    root = Path(known.opened.root)
    try:
        damages = verify(root) if (root / REPORT).is_file() else []
    except DataError as error:
        yield Diagnosis("no-checksums", "warning", f"Checksums cannot be compared: {error}", "Prepare again.")
        return
    for kind, examples in _by_code((damage.kind, Example(damage.file)) for damage in damages):
        code, text, remedy = CHANGED[kind]
        text = f"{len(examples):,} {text}."
        yield Diagnosis(code, "error", text, remedy, len(examples), examples[:EXAMPLES])


def _by_code(cases: Iterable[tuple[str, Example]]) -> list[tuple[str, list[Example]]]:
    found = defaultdict[str, list[Example]](list)
    for code, example in cases:
        found[code].append(example)
    return sorted(found.items())


def noted(known: Known) -> Iterator[Diagnosis]:
    """Find images to which something had to be done to read them."""
    for note, pairs in sorted(known.notes.items()):
        text, remedy = f"{things(len(pairs), 'image')}: {note}.", "Look at them if you did not mean that."
        yield from of_pairs(known, "as-read", "note", list(pairs), text, remedy, columns=pairs)


def rehearsal(known: Known) -> Iterator[Diagnosis]:
    """Ask the reader of training for the first pair of each split, and find where training would stop."""
    opened = known.opened
    for split in ("train", "val"):
        if split in opened.splits:
            measured = measured_channels(known, split) if opened.dataset == "pairs" else {}
            options, owner = {**measured, **opened.options}, f"dataset {opened.dataset!r}"
            try:
                # to look the engine's own up would load every plugin, and torch with them
                reader = Pairs if opened.dataset == "pairs" else lookup("dataset", opened.dataset).cls
                pairs = build(reader, opened.root, split, options=options, owner=owner)
                if not len(pairs):
                    raise DataError(f"the split {split!r} is empty.")
                pairs[0]
            except I2iError as error:
                text = f"`i2i train` would stop at the split {split!r}: {error}"
                yield Diagnosis("training-stops", "error", text, "Mend what is named here and above.")


def measured_channels(known: Known, split: str) -> dict[str, list[int]]:
    """Return options that say the channels of each side, where all its images were measured: no header is read then.

    They are those of the first image that is not gray; see `i2i.data.dataset.Pairs`.
    """
    said = {}
    for option, columns in zip(("source_channels", "target_channels"), known.opened.sides, strict=True):
        facts = [known.facts[column][known.opened.splits[split]] for column in columns]
        ids = any(column in known.opened.classes for column in columns)
        if facts and not ids and all(some["read"].all() for some in facts):
            said[option] = [next((n for n in some["channels"].tolist() if n > 1), 1) for some in facts]
    return said
