"""The runner: finds the inputs, has them worked on in shards, and puts a dataset folder together."""

import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Unpack

from i2i.errors import DataError, UsageError
from i2i.images import MAX_PIXELS
from i2i.places import is_url
from i2i.preparation.choices import Means, Wishes, pairs_only
from i2i.preparation.finishing import finish, missing, tidy
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals
from i2i.preparation.on_this_machine import Progress, Work, look_up, rehearse, work_through
from i2i.preparation.remaking import Losses, keep_gone, losses_of, remarks_on
from i2i.preparation.report import Report, Tally, tally_of
from i2i.preparation.request import Request, request_for
from i2i.preparation.shards import cut, share
from i2i.preparation.shares import missed_shares
from i2i.preparation.tasks import Inputs
from i2i.preparation.unchanged import check_unchanged
from i2i.preparation.upload import publish
from i2i.preparation.worker import Settings
from i2i.system.files import lock, make_folder


def _silent(done: int, total: int) -> None:
    pass


def prepare(
    name: str,
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    on_progress: Progress = _silent,
    **wishes: Unpack[Wishes],
) -> Report:
    """Make a dataset folder of pairs.

    The same command goes on where an interrupted one stopped, and does nothing where one has finished. The result does
    not depend on how many processes or machines do it. Inputs that cannot be used are in the report; they stop nothing.

    Args:
        name: The preparer.
        sources: Images, and folders of images; as many folders as it takes images for a preparer that takes several.
            Paths, or addresses such as ``s3://bucket/photos``.
        out: The dataset folder, or the address to which it is uploaded.
        on_progress: Told how it goes.
        **wishes: What the dataset is to be, such as ``layout``, and how the work is done, such as ``workers``; see
            `Choices` and `Means` in `i2i.preparation.choices`.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If an option is wrong, or ``out`` was begun with others, or holds something else.
        MissingInputError: If a source is not there.
        DataError: If the sources hold no image, or have changed since the dataset was finished.
        OutputError: If something cannot be written, or the disk is full.
    """
    request = request_for(name, sources, out, wishes)
    report = _prepare(request, on_progress)
    if is_url(request.target):
        publish(report.folder, request.target, overwrite=request.means["overwrite"], on_progress=on_progress)
    return report


def _prepare(request: Request, on_progress: Progress) -> Report:
    """Make a dataset in a folder of this machine."""
    started = time.monotonic()
    dataset, means = request.dataset, request.means
    if request.standing() == "finished":
        return _as_it_is(request, started, on_progress)
    inputs = request.find_inputs(on_progress)
    make_folder(dataset.staging)
    shards = cut(inputs.tasks)
    with _alone(dataset, means):
        standing = request.standing()  # what another process has finished meanwhile is not begun again
        command = request.command
        if standing == "new" and dataset.has_work:  # which the new command drops: not for one that can do nothing
            rehearse(_settings(request))
        if standing != "finished":
            command = dataset.begin(command, standing, overwrite=means["overwrite"])
        dataset.make_room()
        journals = Journals(dataset.journals, dataset.outputs, shards)
        resumed = len(inputs.tasks)
        if dataset.reported:
            check_unchanged(dataset, inputs)
        else:
            job = look_up(journals, share(shards, means["rank"], means["world_size"]))
            resumed = job.resumed
            _work(request, job, on_progress)
    left = missing(journals, shards)
    if dataset.reported:  # asked last: the journals go when it is finished
        left = 0
    if not left:
        finish(dataset, command, inputs, journals, shards)
    finished = not left and dataset.finished
    tally = tally_of(dataset.read_report()) if finished else Tally()
    seconds = time.monotonic() - started
    remarks = (*inputs.remarks, *missed_shares(command, tally, inputs))
    return Report(dataset.folder, tally, resumed, seconds, len(shards), left, finished, remarks)


def _as_it_is(request: Request, started: float, on_progress: Progress) -> Report:
    """The report of a dataset that is finished, and of the same inputs; what is gone of it is made again.

    Whoever is asked over a network is asked once: the same sources are then taken to have the same answer.
    """
    dataset, losses = request.dataset, losses_of(request.dataset)
    if not losses.files and request.asks_others and dataset.made_by().sources == request.command.sources:
        inputs, tally, resumed = Inputs([], []), Tally(), 0
        for row in dataset.read_report():
            tally.add(row)
            resumed += bool(row.stamps)
    else:
        inputs = request.find_inputs(on_progress)
        tally = check_unchanged(dataset, inputs)
        resumed = len(inputs.tasks)
    if dataset.being_replaced:  # by a command that was stopped and is not wanted any more
        with _alone(dataset, request.means):
            rmtree(dataset.staging, ignore_errors=True)
    if losses.files:
        _make_again(request, inputs, tally, losses, on_progress)
        resumed -= len(losses.gone)
    tidy(dataset)
    remarks = (*inputs.remarks, *missed_shares(request.command, tally, inputs), *remarks_on(losses, made=True))
    return Report(dataset.folder, tally, resumed, time.monotonic() - started, remarks=remarks)


def _make_again(request: Request, inputs: Inputs, tally: Tally, losses: Losses, on_progress: Progress) -> None:
    """Make what is gone of a finished dataset; stopped, it is still gone, and the same command goes on.

    Raises:
        DataError: If it would not have the bytes that it had.
    """
    dataset = request.dataset
    versions = request.command.differences(dataset.made_by(), versions=True)
    make_folder(dataset.staging)
    with _alone(dataset, request.means), lock(dataset.finishing):
        dataset.make_room()
        shards = cut([task for task in inputs.tasks if task.name in losses.gone])
        journals = Journals(dataset.journals, dataset.outputs, shards)
        _work(request, look_up(journals, shards), on_progress)
        try:
            keep_gone(dataset, losses, journals.rows(shards), versions)
        except DataError:
            rmtree(dataset.staging, ignore_errors=True)
            raise
        dataset.place(tally)


def _work(request: Request, work: Work, on_progress: Progress) -> None:
    means, settings = request.means, _settings(request)
    if means["engine"] == "ray":
        from i2i.preparation.on_ray import work_through_on_ray

        work_through_on_ray(work, settings, means["address"], on_progress)
    else:
        work_through(work, settings, means["workers"], on_progress)


@contextmanager
def _alone(dataset: DatasetFolder, means: Means) -> Iterator[None]:
    """See to it that no other process does the same part of the work, nor cuts it into other parts.

    Raises:
        UsageError: If one does.
    """
    with ExitStack() as stack:
        own = "lock" if means["world_size"] == 1 else f"lock-{means['rank']}-of-{means['world_size']}"
        stack.enter_context(lock(dataset.staging / own))
        for other in sorted(dataset.staging.glob("lock*")):
            if other.name.partition("-of-")[2] != own.partition("-of-")[2]:
                with lock(other):
                    pass
        yield


def _settings(request: Request) -> Settings:
    """What workers need to know.

    Raises:
        UsageError: If they could not import the preparer.
    """
    command, cls = request.command, request.provided.cls
    try:
        pickle.dumps(cls)
    except (pickle.PicklingError, AttributeError):
        raise UsageError(
            f"preparer {command.preparer!r} is not at the top level of a module, where worker processes could import "
            "it."
        ) from None
    return Settings(
        command.preparer,
        cls,
        command.all_options,
        command.layout,
        command.max_pixels or MAX_PIXELS,
        request.dataset.outputs,
        command.range,
        pairs_only(request.choices),
    )
