"""The end of a preparation: when every shard is complete, one process makes the dataset out of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from heapq import merge
from math import floor
from shutil import rmtree

from i2i.errors import DataError, OutputError, UsageError
from i2i.preparation.command import Command
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals
from i2i.preparation.report import Row, Tally, tally_of
from i2i.preparation.splitting import assign, member_of
from i2i.preparation.tasks import Inputs, Shard
from i2i.splits import HELD_OUT
from i2i.system.files import lock, sweep


def missing(journals: Journals, shards: Sequence[Shard]) -> int:
    """Return how many shards are not complete yet."""
    return sum(not journals.complete(shard).is_file() for shard in shards)


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
                dataset.write_report(_with_splits(command, inputs, journals, shards))
            tally = tally_of(dataset.read_report())
            inputs = inputs._replace(remarks=(*inputs.remarks, *missed_shares(command, tally, inputs)))
            dataset.place(tally)
            dataset.finish(command, tally, inputs)
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


def tidy(dataset: DatasetFolder) -> None:
    """Remove what is left of the making of a finished dataset."""
    if dataset.staging.is_dir():
        with suppress(UsageError, OutputError):  # another process is at it
            with lock(dataset.finishing):
                pass
            rmtree(dataset.staging, ignore_errors=True)


def missed_shares(command: Command, tally: Tally, inputs: Inputs) -> list[str]:
    """Say why nothing is held out, or far more or fewer pairs than the shares say; nothing where all is as asked.

    Args:
        command: What was asked for.
        tally: What was made.
        inputs: What it was made of; nothing is said where inputs say themselves where they belong, or were not asked.
    """
    pairs = sum(tally.splits.values())
    divided = any(task.split for task in inputs.tasks)
    if not pairs or not inputs.tasks or divided or not tally.of_pairs:
        return []
    remarks = []
    for split in HELD_OUT:
        share: float = getattr(command, split)
        wanted, got = max(floor(pairs * share + 0.5), int(share > 0)), tally.splits[split]
        if abs(got - wanted) > max(wanted / 2, 1) or bool(wanted) > bool(got):
            said = f"{split} has {got or 'none'} of {pairs} pairs" if pairs > 1 else f"{split} has no pair"
            remarks.append(f"{said}, where --{split} {share:g} means {wanted}: {_why(command, tally, pairs)}.")
    return remarks


def _why(command: Command, tally: Tally, pairs: int) -> str:
    if pairs == 1:
        return "there is only one, which is for training"
    if command.split == "hash":
        return "--split hash draws for each lot of pairs by itself"
    if tally.splits["train"] == 1:
        return "one must be left for training"
    return "pairs that share an image, look the same or have one group stay together"
