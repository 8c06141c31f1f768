"""The runner: finds the inputs, has them worked on in shards, and puts a dataset folder together."""

import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Unpack

from i2i.errors import UsageError
from i2i.files import lock, make_folder
from i2i.options import build
from i2i.plugins import Provided, lookup
from i2i.preparation.choices import Choices, command_for, finds, pairs_only
from i2i.preparation.dataset import Command, DatasetFolder, command_of
from i2i.preparation.finishing import finish, missing, tidy
from i2i.preparation.inputs import Inputs, Task, inputs_of, list_inputs, stamps_of
from i2i.preparation.journal import Journals
from i2i.preparation.listing import absolute, is_url
from i2i.preparation.local import Progress, look_up, work_through
from i2i.preparation.report import Report, Tally, tally_of
from i2i.preparation.shards import cut, share
from i2i.preparation.worker import Settings

Engine = Literal["local", "ray"]
"""``local``: processes of this machine. ``ray``: those of a Ray cluster."""


class Means(NamedTuple):
    """How the work is done, which changes nothing about the result."""

    workers: int | None = None
    rank: int = 0
    world_size: int = 1
    engine: Engine = "local"
    address: str | None = None


def prepare(
    name: str,
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    rank: int = 0,
    world_size: int = 1,
    engine: Engine = "local",
    address: str | None = None,
    work: Path | None = None,
    on_progress: Progress | None = None,
    **choices: Unpack[Choices],
) -> Report:
    """Make a dataset folder of pairs.

    The same command goes on where an interrupted one stopped, and does nothing where one has finished. The result does
    not depend on how many processes or machines do it. Inputs that cannot be used are in the report; they stop nothing.

    Args:
        name: The preparer.
        sources: Images, and folders of images; as many folders as it takes images for a preparer that takes several.
            Paths, or addresses such as ``s3://bucket/photos``.
        out: The dataset folder, or the address to which it is uploaded.
        workers: How many processes; as many as there are cores when not given.
        overwrite: Start afresh where ``out`` is a dataset that this function made or began.
        rank: Which part of the work this process does, counted from 0.
        world_size: How many processes do one part each, on one shared folder.
        engine: What does the work.
        address: Of the Ray cluster; one is started on this machine when not given.
        work: Folder in which a dataset is made that is then uploaded; one in the user's cache when not given.
        on_progress: Told how it goes.
        **choices: What the dataset is to be; see `i2i.preparation.choices.Choices`.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If an option is wrong, or ``out`` was begun with others, or holds something else.
        MissingInputError: If a source is not there.
        DataError: If the sources hold no image, or have changed since the dataset was finished.
        OutputError: If something cannot be written, or the disk is full.
    """
    if not 0 <= rank < world_size:
        raise UsageError(f"There is no rank {rank} of {world_size}. Ranks are counted from 0 to one less than all.")
    if overwrite and world_size > 1:
        raise UsageError(
            "--overwrite would remove what other ranks have done. Remove the folder, then start the ranks without it."
        )
    means = Means(workers, rank, world_size, engine, address)
    target = absolute(out)
    progress = on_progress or _silent
    if not is_url(target):
        return _prepare(name, sources, Path(target), target, means, overwrite, progress, choices)
    from i2i.preparation.publishing import publish, work_folder

    if world_size > 1:
        raise UsageError(f"Ranks share one folder, and {target!r} is none. Give a folder, then upload it.")
    folder = work_folder(target, work)
    report = _prepare(name, sources, folder, target, means, overwrite, progress, choices)
    publish(folder, target, overwrite=overwrite, on_progress=progress)
    return report


def _prepare(
    name: str,
    sources: Sequence[str | Path],
    folder: Path,
    target: str,
    means: Means,
    overwrite: bool,
    on_progress: Progress,
    choices: Choices,
) -> Report:
    """Make a dataset in a local folder; ``target`` is where it will be, which is never read."""
    started = time.monotonic()
    provided = lookup("preparer", name)
    command = command_for(name, provided, sources, choices)
    dataset = DatasetFolder(folder)
    inputs = find_inputs(provided, command, sources, target, on_progress)
    dataset.check_ours()
    if dataset.finished and not overwrite:
        tally = _unchanged(dataset, command, inputs)
        tidy(dataset)
        return Report(folder, tally, len(inputs.tasks), time.monotonic() - started, remarks=inputs.remarks)
    make_folder(dataset.staging)
    with _alone(dataset, means):
        if overwrite:
            dataset.clear(command)
        unrecorded, command = command.unrecorded, dataset.begin(command)
        dataset.make_room()
        if means.world_size == 1 and not dataset.report.exists():
            dataset.remove_old()
        shards = cut(inputs.tasks)
        journals = Journals(dataset.journals, dataset.outputs, shards)
        resumed = len(inputs.tasks)
        if not dataset.report.exists():
            job = look_up(journals, share(shards, means.rank, means.world_size))
            resumed = job.resumed
            settings = Settings(
                name,
                provided.cls,
                {**command.options, **unrecorded},
                command.layout,
                command.max_pixels,
                dataset.outputs,
                command.range,
                pairs_only(choices),
            )
            _check_importable(settings)
            if means.engine == "ray":
                from i2i.preparation.cluster import work_through_on_ray

                work_through_on_ray(job, settings, means.address, on_progress)
            else:
                work_through(job, settings, means.workers, on_progress)
    left = missing(journals, shards)
    if dataset.finished or dataset.report.exists():  # asked last: the journals go when it is finished
        left = 0
    if not left:
        finish(dataset, command, inputs, journals, shards)
    tally = Tally() if left or not dataset.finished else tally_of(dataset.read_report())
    unfinished = left or int(not dataset.finished)
    return Report(folder, tally, resumed, time.monotonic() - started, len(shards), unfinished, inputs.remarks)


def find_inputs(
    provided: Provided, command: Command, sources: Sequence[str | Path], target: str, on_progress: Progress
) -> Inputs:
    """All inputs, found by the preparer itself if it does that.

    Raises:
        I2iError: If there is something wrong with the sources.
    """
    if not finds(provided):
        return list_inputs(sources, provided.cls, target, command.match, command.group)
    preparer = build(provided.cls, options=command.all_options, owner=f"preparer {command.preparer!r}")
    return inputs_of(preparer.find([str(source) for source in sources], on_progress))


@contextmanager
def _alone(dataset: DatasetFolder, means: Means) -> Iterator[None]:
    """See to it that no other process does the same part of the work, nor cuts it into other parts.

    Raises:
        UsageError: If one does.
    """
    with ExitStack() as stack:
        own = "lock" if means.world_size == 1 else f"lock-{means.rank}-of-{means.world_size}"
        stack.enter_context(lock(dataset.staging / own))
        for other in sorted(dataset.staging.glob("lock*")):
            if other.name.partition("-of-")[2] != own.partition("-of-")[2]:
                with lock(other):
                    pass
        yield


def _silent(done: int, total: int) -> None:
    pass


def _unchanged(dataset: DatasetFolder, command: Command, inputs: Inputs) -> Tally:
    """The sums of a finished dataset, if the same command on the same inputs made it."""
    where = repr(str(dataset.folder))
    if differences := command.differences(command_of(dataset.card), versions=False):
        raise UsageError(
            f"{where} was made with other settings: {differences}. "
            "Give another folder, or start afresh with --overwrite."
        )
    tally = Tally()
    now: dict[str, Task | None] = {row.name: None for row in inputs.settled if row.status != "skipped"}
    now |= {task.name: task for task in inputs.tasks}
    changed = []
    for row in dataset.read_report():
        tally.add(row)
        if row.name in now:
            task = now.pop(row.name)
            if task is not None and _has_other_size(task, [source.bytes for source in row.sources]):
                changed.append(row.name)
        elif row.status != "skipped" or row.sources:  # what was skipped unread may come and go
            changed.append(row.name)
    if changed or now:
        first = min([*changed, *now])
        raise UsageError(
            f"{where} was made from other images: {first!r} is one of {len(changed) + len(now)} new, gone or changed. "
            "Give another folder, or start afresh with --overwrite."
        )
    return tally


def _has_other_size(task: Task, sizes: Sequence[int]) -> bool:
    # of inputs that could not be read no size is known
    now = [int(stamp.split()[0]) for stamp in stamps_of(task) if stamp] if task.item is None else []
    return len(sizes) == len(task.files) and bool(sizes) and list(sizes) != now


def _check_importable(settings: Settings) -> None:
    try:
        pickle.dumps(settings.cls)
    except (pickle.PicklingError, AttributeError):
        raise UsageError(
            f"preparer {settings.name!r} is not at the top level of a module, where worker processes could import it."
        ) from None
