"""The runner: finds the inputs, has workers make the pairs, and puts a dataset folder together."""

import os
import pickle
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from i2i.devices import available_cpus
from i2i.errors import UsageError
from i2i.files import lock, make_folder, sweep
from i2i.images import MAX_PIXELS, printable
from i2i.options import complete
from i2i.plugins import Provided, lookup
from i2i.preparation import pool
from i2i.preparation.dataset import Command, DatasetFolder, command_of
from i2i.preparation.inputs import Inputs, Task, list_inputs
from i2i.preparation.journal import Journal, entry_of, stamps_of
from i2i.preparation.layouts import Layout
from i2i.preparation.report import Report, Row
from i2i.preparation.splitting import assign, check_shares
from i2i.preparation.worker import Settings, build

DECIDING = ("i2i", "numpy", "opencv-python-headless", "pillow", "torch")
"""Distributions whose version may change a bit of the result."""

Progress = Callable[[int, int], None]
"""Called with how many inputs are done, and how many there are."""


def prepare(
    name: str,
    sources: Sequence[Path],
    out: Path,
    *,
    options: Mapping[str, Any] | None = None,
    val: float = 0.1,
    test: float = 0.0,
    layout: Layout = "folders",
    workers: int | None = None,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> Report:
    """Make a dataset folder of pairs.

    The same command goes on where an interrupted one stopped, and does nothing where one has finished. The result does
    not depend on the number of workers. Inputs that cannot be used are in the report; they stop nothing.

    Args:
        name: The preparer.
        sources: Images, and folders of images; two folders for a preparer that takes two images.
        out: The dataset folder.
        options: Options of the preparer.
        val: Share of the pairs for validation.
        test: Share of the pairs for test.
        layout: How pairs are stored; see `i2i.preparation.layouts.Layout`.
        workers: How many processes; as many as there are cores when not given.
        seed: Another seed, other pairs for validation and test.
        max_pixels: Largest width times height of an input.
        overwrite: Start afresh where ``out`` is a dataset that this function made or began.
        on_progress: Told how it goes.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If an option is wrong, or ``out`` was begun with others, or holds something else.
        MissingInputError: If a source is not there.
        DataError: If the sources hold no image, or have changed since the dataset was finished.
        OutputError: If something cannot be written, or the disk is full.
    """
    started = time.monotonic()
    out = Path(os.path.abspath(out))
    check_shares(val, test)
    provided = lookup("preparer", name)
    command = Command(
        preparer=name,
        options=complete(provided.cls, options or {}, f"preparer {name!r}"),
        layout=layout,
        val=val,
        test=test,
        seed=seed,
        max_pixels=max_pixels,
        sources=tuple(printable(str(source)) for source in sources),
        versions=_versions(provided),
    )
    dataset = DatasetFolder(out)
    inputs = list_inputs(sources, len(provided.cls.inputs), out)
    dataset.check_ours()
    if dataset.finished and not overwrite:
        rows = _unchanged(dataset, command, inputs)
        _tidy(dataset)
        return Report(out, rows, len(inputs.tasks), time.monotonic() - started)
    make_folder(dataset.staging)
    with lock(dataset.lock):
        sweep(out)
        if overwrite:
            dataset.clear(command)
        command = dataset.begin(command)
        resumed = len(inputs.tasks)
        if not dataset.report.exists():
            dataset.make_room(layout)
            made, resumed = _make(dataset, provided, command, inputs, workers, on_progress or _silent)
            dataset.write_report(_with_splits(made, inputs.settled, command))
        rows = dataset.read_report()
        dataset.place(rows, layout)
        dataset.finish(command, rows)
    _tidy(dataset)
    return Report(out, rows, resumed, time.monotonic() - started)


def _tidy(dataset: DatasetFolder) -> None:
    """Remove what is left of the making of a finished dataset."""
    if dataset.staging.is_dir():
        with suppress(UsageError):  # of another process that began at this moment, and will tidy up itself
            with lock(dataset.lock):
                pass
            shutil.rmtree(dataset.staging, ignore_errors=True)


def _silent(done: int, total: int) -> None:
    pass


def _versions(provided: Provided) -> dict[str, str]:
    versions = {"python": platform.python_version(), provided.distribution: provided.version}
    for distribution in DECIDING:
        try:
            versions[distribution] = version(distribution)
        except PackageNotFoundError:  # opencv has four distributions
            continue
    return versions


def _unchanged(dataset: DatasetFolder, command: Command, inputs: Inputs) -> list[Row]:
    """The rows of a finished dataset, if the same command on the same inputs made it."""
    where = repr(str(dataset.folder))
    if differences := command.differences(command_of(dataset.card), versions=False):
        raise UsageError(
            f"{where} was made with other settings: {differences}. "
            "Give another folder, or start afresh with --overwrite."
        )
    rows = dataset.read_report()
    before = {row.name: [source.bytes for source in row.sources] for row in rows if row.status != "skipped"}
    now: dict[str, Task | None] = {row.name: None for row in inputs.settled if row.status != "skipped"}
    now |= {task.name: task for task in inputs.tasks}
    changed = sorted(before.keys() ^ now.keys()) or [
        name for name, task in now.items() if task is not None and _has_other_size(task, before[name])
    ]
    if changed:
        raise UsageError(
            f"{where} was made from other images: {changed[0]!r} is one of {len(changed)} new, gone or changed. "
            "Give another folder, or start afresh with --overwrite."
        )
    return rows


def _has_other_size(task: Task, sizes: Sequence[int]) -> bool:
    # of inputs that could not be read no size is known
    return len(sizes) == len(task.files) and list(sizes) != [stamp[0] for stamp in stamps_of(task) if stamp]


def _make(
    dataset: DatasetFolder,
    provided: Provided,
    command: Command,
    inputs: Inputs,
    workers: int | None,
    on_progress: Progress,
) -> tuple[list[Row], int]:
    """A row for every task, and how many of them an earlier run had done."""
    tasks = {task.name: task for task in inputs.tasks}
    with Journal(dataset.journal, tasks, dataset.staging) as journal:
        rows = list(journal.rows)
        on_progress(len(rows), len(tasks))
        done = {row.name for row in rows}
        todo = [task for task in inputs.tasks if task.name not in done]
        settings = Settings(
            command.preparer, provided.cls, command.options, command.layout, command.max_pixels, dataset.staging
        )
        _check_importable(settings)
        processes = min(workers or available_cpus(), len(todo))
        with closing(pool.run(build, (settings,), todo, processes)) as results:
            for task, result in results:
                row = result if isinstance(result, Row) else _lost(task, result)
                journal.add(entry_of(task, row))
                rows.append(row)
                on_progress(len(rows), len(tasks))
    return rows, len(done)


def _check_importable(settings: Settings) -> None:
    try:
        pickle.dumps(settings.cls)
    except (pickle.PicklingError, AttributeError):
        raise UsageError(
            f"preparer {settings.name!r} is not at the top level of a module, where worker processes could import it."
        ) from None


def _lost(task: Task, death: pool.Death) -> Row:
    return Row(name=task.name, status="rejected", reason=death.reason, message=f"{task.name!r}: {death.message}")


def _with_splits(made: Sequence[Row], settled: Sequence[Row], command: Command) -> list[Row]:
    """All rows by name, those of pairs with their split."""
    pairs = {row.name: row.sources[0].sha256 for row in made if row.status == "made"}
    splits = assign(pairs, command.val, command.test, command.seed)
    rows = [row.model_copy(update={"split": splits.get(row.name)}) for row in made]
    return sorted([*rows, *settled], key=lambda row: (row.name, row.reason))
