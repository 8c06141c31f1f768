"""The end of a preparation: when every shard is complete, one process makes the dataset out of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from heapq import merge
from math import floor
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from i2i import safe_yaml
from i2i.errors import DataError, OutputError, UsageError, things
from i2i.pairs import range_of
from i2i.preparation.command import Command
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals
from i2i.preparation.outputs import metadata_of
from i2i.preparation.report import ImageCounts, Row, Tally, place_of, tally_of
from i2i.preparation.splitting import assign, member_of
from i2i.preparation.tasks import Inputs, Shard
from i2i.prepared import HALVES, IMAGES, METADATA
from i2i.splits import HELD_OUT, SPLITS
from i2i.system.files import atomic_file, cannot_write, lock, make_folder, sweep, sync_folder, write_atomically

FORMAT = 1


def finish(
    dataset: DatasetFolder, command: Command, inputs: Inputs, journals: Journals, shards: Sequence[Shard]
) -> None:
    """Put the dataset together; does nothing where another process is doing it, or has done it.

    Raises:
        DataError: If a file has vanished, or some of what was made are pairs and some are not.
        UsageError: If a file that is not of the dataset is in the way.
        OutputError: If something cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(dataset.finishing))
        except UsageError:  # another process holds the lock; if it is killed, the same command goes on
            return
        except OutputError:  # the lock was removed together with everything else that a finished dataset does not need
            if not dataset.finished:
                raise
            return
        if not dataset.finished:
            sweep(dataset.folder)
            if not dataset.reported:
                with atomic_file(dataset.report) as file:
                    for row in _with_splits(command, inputs, journals, shards):
                        file.write(row.to_line())
            tally = tally_of(dataset.read_report())
            _place(dataset, tally)
            write_atomically(dataset.card, safe_yaml.dump(_card_of(command, tally, inputs)).encode())
    tidy(dataset)


def _with_splits(command: Command, inputs: Inputs, journals: Journals, shards: Sequence[Shard]) -> Iterator[Row]:
    """Yield all rows by name, those of pairs with their split."""
    members = []
    images = ""
    for row in journals.rows(shards):
        if row.status == "made":
            if row.is_pair:
                members.append(member_of(row))
            images = images or ("" if row.is_pair else row.name)
    if members and images:
        raise DataError(
            f"preparer {command.preparer!r} made a pair of {members[0].name!r} and one image of {images!r}. "
            "It must always make the same."
        )
    splits = assign(members, command.val, command.test, command.seed, command.split)
    made = (row.model_copy(update={"split": splits.get(row.name)}) for row in journals.rows(shards))
    yield from merge(made, inputs.settled, key=lambda row: row.name)


def _place(dataset: DatasetFolder, tally: Tally) -> None:
    """Move every file to its place, and describe each split."""
    folder = dataset.folder
    parts = [split for split in SPLITS if split == "train" or tally.splits[split]] if tally.of_pairs else [IMAGES]
    with ExitStack() as stack:
        for part in parts:
            for half in HALVES if len(tally.kinds) > 1 else ("",):
                make_folder(folder / part / half)
        metadata = {part: stack.enter_context(atomic_file(folder / part / METADATA)) for part in parts}
        for row in dataset.read_report():
            if row.status == "made":
                for output in row.outputs:
                    _move(dataset.outputs / output.file, folder / place_of(row, output))
                metadata[row.split or IMAGES].write(json.dumps(metadata_of(row)).encode() + b"\n")
        for inner in (inner for part in parts for inner in (folder / part).iterdir() if inner.is_dir()):
            sync_folder(inner)


def _move(staged: Path, place: Path) -> None:
    there = place.is_file()
    if not staged.is_file():
        if not there:
            raise DataError(f"{str(staged)!r} has vanished. Start afresh with --overwrite.")
        return  # moved before a kill
    if there:
        raise UsageError(
            f"{str(place)!r} is not of the dataset and would be lost. Move it elsewhere, then run the same command."
        )
    try:
        staged.replace(place)
    except OSError as error:
        raise cannot_write(place, error) from error


def tidy(dataset: DatasetFolder) -> None:
    """Remove what is left of the making of a finished dataset."""
    if dataset.staging.is_dir():
        with suppress(UsageError, OutputError):  # another process is at it
            with lock(dataset.finishing):
                pass
            rmtree(dataset.staging, ignore_errors=True)


def remarks_of(command: Command, tally: Tally, inputs: Inputs) -> tuple[str, ...]:
    """Return what the user should know: of the sources, of halves that were turned, and of shares that were missed.

    Args:
        command: What was asked for.
        tally: What was made.
        inputs: What it was made of; of shares nothing is said where inputs say where they belong, or were not asked.
    """
    remarks = list(inputs.remarks)
    if tally.half_turned:
        remarks.append(
            f"In {things(tally.half_turned, 'pair')} only some images were turned upright by their EXIF orientation, "
            "so that what was drawn on the pixels as stored lies across. The notes in report.jsonl say which."
        )
    if not tally.of_pairs or not tally.made or not inputs.tasks or any(task.split for task in inputs.tasks):
        return tuple(remarks)
    for split in HELD_OUT:
        share: float = getattr(command, split)
        wanted, got = max(floor(tally.made * share + 0.5), int(share > 0)), tally.splits[split]
        if abs(got - wanted) > max(wanted / 2, 1) or bool(wanted) > bool(got):
            why = "--split hash draws for each lot of pairs by itself"
            if command.split == "count":
                why = "one must be left for training, and those that belong together stay together"
            said = f"{split} has {got or 'none'} of {things(tally.made, 'pair')}"
            remarks.append(f"{said}, where --{split} {share:g} means {wanted}: {why}.")
    return tuple(remarks)


def _card_of(command: Command, tally: Tally, inputs: Inputs) -> dict[str, Any]:
    """Build the content of ``dataset.yaml``."""
    halves = HALVES if len(tally.kinds) != 1 else ("image",)
    kinds = tally.kinds or [{} for _ in halves]
    left_out = {"skipped": tally.skipped.total(), "rejected": sum(map(len, tally.rejected.values()))}
    remarks, said = remarks_of(command, tally, inputs), inputs.finding
    return {
        "format": FORMAT,
        "command": command.line(pairs=tally.of_pairs),
        "preparer": command.preparer,
        **command.model_dump(mode="json"),
        "counts": {"made": tally.made, **left_out} | (dict(tally.splits) if tally.of_pairs else {}),
        "images": {half: _described(kinds) for half, kinds in zip(halves, kinds, strict=True)},
        **({"remarks": list(remarks)} if remarks else {}),
        **({"facts": dict(said.facts)} if said.facts else {}),
        "licence": command.licence or said.licence,
        "attribution": command.attribution or said.attribution,
        **({"terms": said.terms} if said.terms else {}),
    }


def _described(kinds: Mapping[tuple[str, int], ImageCounts]) -> list[dict[str, Any]]:
    """Describe what images there are, by type and channels: how many, in which range of values, of which sizes."""
    return [
        {
            "images": kind.images,
            "dtype": dtype,
            "channels": channels,
            "range": list(range_of(np.dtype(dtype))),
            "height": list(kind.heights),
            "width": list(kind.widths),
        }
        for (dtype, channels), kind in sorted(kinds.items())
    ]
