"""The runner: finds the inputs, has them worked on in shards, and puts a dataset folder together."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from i2i.errors import things
from i2i.places import hide_secrets, is_url, without_secrets
from i2i.preparation.command import Command
from i2i.preparation.engines import (
    Backlog,
    Progress,
    rehearse,
    work_through,
    work_through_on_ray,
)
from i2i.preparation.finishing import finish, remarks_of, tidy
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals
from i2i.preparation.report import Report, Tally, tally_of
from i2i.preparation.request import Request, check_request
from i2i.preparation.tasks import Inputs, check_unchanged, cut
from i2i.preparation.upload import upload
from i2i.system.files import lock, make_folder


def _silent(done: int, total: int) -> None:
    pass


def prepare(
    name: str,
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    on_progress: Progress = _silent,
    **settings: Any,
) -> Report:
    """Make a dataset folder of pairs; the same command resumes an interrupted one, and does nothing once it is done.

    The result does not depend on how many processes or machines do it. Inputs that cannot be used are in the report;
    they stop nothing.

    Args:
        name: The preparer.
        sources: Images, and folders of images; as many folders as it takes images for a preparer that takes several.
            Paths, or addresses such as ``s3://bucket/photos``.
        out: The dataset folder, or the address to which it is uploaded.
        on_progress: Told how it goes.
        **settings: Those of `i2i.preparation.settings.Settings`.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If an option is wrong, or ``out`` was begun with others, or holds something else.
        MissingInputError: If a source is not there.
        DataError: If the sources hold no image, or have changed since the dataset was finished.
        OutputError: If something cannot be written, or the disk is full.
    """
    request = check_request(name, sources, out, settings)
    report = _prepare(request, on_progress)
    if is_url(request.target):
        upload(report.folder, request.target, on_progress)
    return report


def plan(name: str, sources: Sequence[str | Path], out: str | Path, **settings: Any) -> str:
    """Say what `prepare` would do with the same arguments, which it describes; nothing is written.

    Returns:
        Some lines of text.

    Raises:
        I2iError: What `prepare` would raise about them before it begins.
    """
    request = check_request(name, sources, out, settings)
    finished = request.standing() == "finished"
    if request.finds:
        with request.hiding():
            found = hide_secrets(str(request.construct().plan(list(request.sources))), *request.sources)
    else:
        request.construct()
        inputs = request.find_inputs(_silent)
        if finished or (request.dataset.reported and not request.command.overwrite):
            check_unchanged(request.dataset.folder, request.dataset.read_report(), inputs)
        found = "" if finished else _found(inputs)
    lines = [found, f"The command: {request.command.line(pairs=not request.makes_images)}"]
    if finished:
        unseen = " unless the sources have changed" if request.finds and not request.asks_others else ""
        lines.append(f"The dataset is in {str(request.dataset.folder)!r} already; nothing would be made{unseen}.")
    else:
        replaces = " It replaces the one that is there." if request.dataset.finished else ""
        lines.append(f"The dataset would be {without_secrets(request.target)!r}.{replaces}")
    return "\n".join(filter(None, [*lines, "Nothing has been written."]))


def _found(inputs: Inputs) -> str:
    tasks = things(len(inputs.tasks), "input")
    images = things(sum(len(task.files) for task in inputs.tasks), "image")
    lines = [f"{tasks} ({images}) would be worked on, in {things(len(cut(inputs.tasks)), 'shard')}."]
    for status in ("skipped", "rejected"):
        rows = [row for row in inputs.settled if row.status == status]
        if rows:
            reasons = ", ".join(sorted({row.reason for row in rows}))
            lines.append(f"{things(len(rows), 'file')} would be {status}: {reasons}. The first is {rows[0].name!r}.")
    return "\n".join([*lines, *inputs.remarks])


def _prepare(request: Request, on_progress: Progress) -> Report:
    """Make a dataset in a folder of this machine."""
    started = time.monotonic()
    dataset, command = request.dataset, request.command
    if request.standing() == "finished":
        return _report_finished(request, started, on_progress)
    inputs = request.find_inputs(on_progress)
    make_folder(dataset.staging)
    shards = cut(inputs.tasks)
    with _alone(dataset, command):
        standing = request.standing()  # what another process has finished meanwhile is not begun again
        if standing == "new" and (dataset.finished or dataset.has_work):  # removed only for one that can do something
            rehearse(request)
        if standing != "finished":
            command = dataset.begin(command, standing)
        dataset.make_room()
        journals = Journals(dataset, shards)
        backlog = None
        if not dataset.reported:
            backlog = Backlog(journals, shards[request.command.rank :: request.command.world_size])
        if backlog is None or dataset.reported:  # another rank may report, and move files, while they are looked for
            check_unchanged(dataset.folder, dataset.read_report(), inputs)
            resumed = len(inputs.tasks)
        else:
            resumed = backlog.resumed
            if request.command.engine == "ray":
                work_through_on_ray(backlog, request, on_progress)
            else:
                work_through(backlog, request, request.command.workers, on_progress)
    left = sum(not journals.complete(shard).is_file() for shard in shards)
    if dataset.reported:  # asked last: the journals go when it is finished
        left = 0
    if not left:
        finish(dataset, command, inputs, journals, shards)
    finished = not left and dataset.finished
    tally = tally_of(dataset.read_report()) if finished else Tally()
    return Report(
        **vars(tally),
        folder=dataset.folder,
        resumed=resumed,
        seconds=time.monotonic() - started,
        shards=len(shards),
        missing=left,
        finished=finished,
        remarks=remarks_of(command, tally, inputs),
    )


def _report_finished(request: Request, started: float, on_progress: Progress) -> Report:
    """Report a dataset that is finished, once it is certain that the inputs are the same; nothing is decoded.

    Whoever is asked over a network is asked once: the same sources are then taken to have the same answer.
    """
    dataset = request.dataset
    if request.asks_others and dataset.made_by().sources == request.sources:
        inputs, resumed = Inputs([], []), sum(bool(row.stamps) for row in dataset.read_report())
        tally = tally_of(dataset.read_report())
    else:
        inputs = request.find_inputs(on_progress)
        tally = check_unchanged(dataset.folder, dataset.read_report(), inputs)
        resumed = len(inputs.tasks)
    tidy(dataset)
    return Report(
        **vars(tally),
        folder=dataset.folder,
        resumed=resumed,
        seconds=time.monotonic() - started,
        remarks=remarks_of(request.command, tally, inputs),
    )


@contextmanager
def _alone(dataset: DatasetFolder, command: Command) -> Iterator[None]:
    """See to it that no other process does the same part of the work, nor cuts it into other parts.

    Raises:
        UsageError: If one does.
    """
    with ExitStack() as stack:
        own = "lock" if command.world_size == 1 else f"lock-{command.rank}-of-{command.world_size}"
        stack.enter_context(lock(dataset.staging / own))
        for other in sorted(dataset.staging.glob("lock*")):
            if other.name.partition("-of-")[2] != own.partition("-of-")[2]:
                with lock(other):
                    pass
        yield
