"""The end of a preparation: when every shard is complete, one process makes the dataset out of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from heapq import merge
from shutil import rmtree

from i2i.errors import DataError, OutputError, UsageError
from i2i.preparation.command import Command
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals
from i2i.preparation.report import Row, tally_of
from i2i.preparation.shards import Shard
from i2i.preparation.shares import missed_shares
from i2i.preparation.splitting import assign, member_of
from i2i.preparation.tasks import Inputs
from i2i.system.files import lock, sweep


def missing(journals: Journals, shards: Sequence[Shard]) -> int:
    """How many shards are not complete yet."""
    return sum(not journals.complete(shard).is_file() for shard in shards)


def finish(
    dataset: DatasetFolder, command: Command, inputs: Inputs, journals: Journals, shards: Sequence[Shard]
) -> None:
    """Put the dataset together; does nothing where another process is doing it, or has done it.

    Raises:
        DataError: If a file has vanished, or some of what was made are pairs and some are not.
        UsageError: If a file that is not of the dataset that is overwritten is in the way.
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
            _finish(dataset, command, inputs, journals, shards)
    tidy(dataset)


def _finish(
    dataset: DatasetFolder, command: Command, inputs: Inputs, journals: Journals, shards: Sequence[Shard]
) -> None:
    sweep(dataset.folder)
    if not dataset.reported:
        dataset.write_report(_with_splits(command, inputs, journals, shards))
    tally = tally_of(dataset.read_report())
    inputs = inputs._replace(remarks=(*inputs.remarks, *missed_shares(command, tally, inputs)))
    dataset.place(tally)
    dataset.finish(command, tally, inputs)


def _with_splits(command: Command, inputs: Inputs, journals: Journals, shards: Sequence[Shard]) -> Iterator[Row]:
    """All rows by name, those of pairs with their split."""
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
