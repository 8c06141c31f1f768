"""A preparation that was asked for, validated as far as possible before its inputs are looked for."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from i2i.errors import I2iError, UsageError
from i2i.pairs import Finding
from i2i.places import hide_secrets, is_url, without_secrets
from i2i.plugins import Provided, lookup
from i2i.preparation.command import Command, command_for, finds, makes_images
from i2i.preparation.folder import DatasetFolder, Standing
from i2i.preparation.inputs import inputs_of, list_inputs
from i2i.preparation.listing import absolute, is_inside
from i2i.preparation.published import check_undivided
from i2i.preparation.settings import DEFAULTS, Settings, validate_settings
from i2i.preparation.tasks import Inputs
from i2i.preparation.upload import check_place, work_folder
from i2i.preparation.worker import construct
from i2i.prepared import is_prepared


class Request(NamedTuple):
    """What is to be made of what, where and how."""

    provided: Provided
    command: Command
    sources: tuple[str, ...]
    """As they were given, with what addresses hold of secrets: never stored or printed."""
    dataset: DatasetFolder
    """Where it is made."""
    target: str
    """Where it will be: that folder, or the address to which it is uploaded, with its secrets."""
    settings: Settings
    """All of them."""

    @property
    def shown_target(self) -> str:
        """The target as it may be printed."""
        return without_secrets(self.target)

    def standing(self) -> Standing:
        """Return what is there already; see `DatasetFolder.standing`."""
        alone = self.settings["world_size"] == 1
        return self.dataset.standing(self.command, overwrite=self.settings["overwrite"], alone=alone)

    @property
    def asks_others(self) -> bool:
        """Whether the preparer finds its inputs itself, and elsewhere than on this machine."""
        return finds(self.provided) and not all(os.path.exists(source) for source in self.sources)

    def construct(self) -> Any:
        """Build the preparer.

        Raises:
            I2iError: If it cannot be constructed.
        """
        return construct(self.command.preparer, self.provided.cls, self.command.all_options)

    def plan(self) -> str:
        """Have a preparer that finds its inputs itself say what it would do."""
        with self._hiding():
            return hide_secrets(str(self.construct().plan(list(self.sources))), *self.sources)

    @contextmanager
    def _hiding(self) -> Iterator[None]:
        """Leave secrets of the sources out of what the preparer complains about."""
        try:
            yield
        except I2iError as error:
            error.args = hide_secrets(error.args, *self.sources)
            raise

    def find_inputs(self, on_progress: Callable[[int, int], None]) -> Inputs:
        """Find all inputs, or have the preparer find them if it does that itself.

        Raises:
            I2iError: If there is something wrong with the sources.
        """
        command = self.command
        if finds(self.provided):
            with self._hiding():
                found = self.construct().find(list(self.sources), on_progress)
            said = {key: hide_secrets(value, *self.sources) for key, value in vars(found).items() if key != "items"}
            items = [
                item._replace(metadata=hide_secrets(item.metadata, *self.sources)) for item in found.items
            ]  # their keys stay as they are, and are only hashed
            return inputs_of(Finding(items=items, **said), command.group)
        written = (str(self.dataset.folder), self.target)
        pairs = not makes_images(self.provided)
        inputs = list_inputs(self.sources, self.provided.cls, written, command.match, command.group, pairs=pairs)
        check_undivided(inputs, command.chosen)
        return inputs


def check_request(name: str, sources: Sequence[str | Path], out: str | Path, given: Settings) -> Request:
    """Validate all of a request that costs nothing to check. Nothing is written.

    Args:
        name: The preparer.
        sources: What it is made of.
        out: Where it goes.
        given: What it is to be, and how the work is done.

    Raises:
        UsageError: If something is wrong with it, or with what is at ``out``.
        I2iError: If the preparer cannot be constructed, where that costs nothing.
    """
    given = validate_settings(given)
    settings: Settings = {**DEFAULTS, **given}
    places = _places(sources)
    target = absolute(_place(out, "out"))
    _check_work(settings, target)
    provided = lookup("preparer", name)
    _check_number(name, provided, places, str(out))
    command = command_for(name, provided, places, given)
    folder = work_folder(target, settings["work"]) if is_url(target) else Path(target)
    _check_apart(places, (target, str(folder)))
    request = Request(provided, command, places, DatasetFolder(folder), target, settings)
    request.dataset.check_ours(overwrite=settings["overwrite"])
    request.standing()
    if finds(provided):
        request.construct()
    if is_url(target):
        check_place(target, command)
    return request


def _check_number(name: str, provided: Provided, sources: Sequence[str], out: str) -> None:
    """Refuse fewer folders than the preparer takes, and say which place is missing.

    Raises:
        UsageError: If there are fewer.
    """
    inputs = () if finds(provided) else provided.cls.inputs
    least = len(inputs) - getattr(provided.cls, "optional", 0)
    if len(sources) >= least or least < 2:
        return
    given = " ".join(shlex.quote(without_secrets(source)) for source in sources)
    last = shlex.quote(without_secrets(out))
    if len(sources) == least - 1 and os.path.isdir(out) and not is_prepared(Path(out), os.listdir(out)):
        raise UsageError(
            f"{name} makes pairs of {least} folders, and OUT is missing after them: the dataset folder to make. "
            f"Say `i2i prepare {name} {given} {last} my-{name}`."
        )
    missing = " ".join(("SECOND", "THIRD", "FOURTH")[len(sources) - 1 : least - 1])
    raise UsageError(
        f"{name} makes pairs of {least} folders, one for each image of a pair, and is given {len(sources)}. "
        f"Say `i2i prepare {name} {given} {missing} {last}`, where {missing} is the folder of their partners."
    )


def _places(sources: Sequence[str | Path]) -> tuple[str, ...]:
    if isinstance(sources, str | bytes | os.PathLike) or not isinstance(sources, Sequence) or not sources:
        raise UsageError(f"Sources are a list of paths and addresses, not {sources!r}.")
    return tuple(_place(source, "a source") for source in sources)


def _place(place: object, what: str) -> str:
    if not isinstance(place, str | Path):
        raise UsageError(f"{what} is a path or an address, not {place!r}.")
    return str(place)


def _check_apart(sources: Sequence[str], written: Sequence[str]) -> None:
    for source in sources:
        try:
            place = absolute(source)
        except UsageError:  # no address of a store: only a preparer that finds its inputs itself can know what it is
            continue
        if any(is_inside(place, folder) for folder in written):
            shown = without_secrets(place)
            raise UsageError(f"{shown!r} would be read and written. Give another folder for the dataset.")


def _check_work(settings: Settings, target: str) -> None:
    shown = without_secrets(target)
    if not 0 <= settings["rank"] < settings["world_size"]:
        raise UsageError(
            f"There is no rank {settings['rank']} of {settings['world_size']}. "
            "Ranks are counted from 0 to one less than all."
        )
    if settings["overwrite"] and settings["world_size"] > 1:
        raise UsageError(
            "--overwrite would remove what other ranks have done. Remove the folder, then start the ranks without it."
        )
    if settings["address"] is not None and settings["engine"] != "ray":
        raise UsageError("--address is that of a Ray cluster. Give --engine ray with it, or leave it out.")
    if not is_url(target) and settings["work"] is not None:
        raise UsageError(f"--work is for a dataset that is uploaded, and {shown!r} is a folder. Leave it out.")
    if is_url(target) and settings["world_size"] > 1:
        raise UsageError(f"Ranks share one folder, and {shown!r} is none. Give a folder, then upload it.")
