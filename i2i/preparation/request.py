"""A preparation that was asked for: everything that can be found wrong with it before its inputs are looked for."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i.errors import UsageError
from i2i.places import is_url
from i2i.plugins import Provided, lookup
from i2i.preparation.choices import Choices, Means, Wishes, checked, command_for, finds, makes_images
from i2i.preparation.command import Command
from i2i.preparation.divided import check_undivided
from i2i.preparation.folder import DatasetFolder, Standing
from i2i.preparation.inputs import inputs_of, list_inputs
from i2i.preparation.listing import absolute, is_inside
from i2i.preparation.tasks import Inputs
from i2i.preparation.upload import check_place, work_folder
from i2i.preparation.worker import construct


class Request(NamedTuple):
    """What is to be made of what, where and how."""

    provided: Provided
    command: Command
    choices: Choices
    sources: tuple[str, ...]
    """As they were given."""
    dataset: DatasetFolder
    """Where it is made."""
    target: str
    """Where it will be: that folder, or the address to which it is uploaded."""
    means: Means

    def standing(self) -> Standing:
        """What is there already; see `DatasetFolder.standing`."""
        alone = self.means["world_size"] == 1
        return self.dataset.standing(self.command, overwrite=self.means["overwrite"], alone=alone)

    @property
    def asks_others(self) -> bool:
        """Whether the preparer finds its inputs itself, and elsewhere than on this machine."""
        return finds(self.provided) and not all(os.path.exists(source) for source in self.sources)

    def construct(self) -> Any:
        """The preparer.

        Raises:
            I2iError: If it cannot be constructed.
        """
        return construct(self.command.preparer, self.provided.cls, self.command.all_options)

    def find_inputs(self, on_progress: Callable[[int, int], None]) -> Inputs:
        """All inputs, found by the preparer itself if it does that.

        Raises:
            I2iError: If there is something wrong with the sources.
        """
        command = self.command
        if finds(self.provided):
            return inputs_of(self.construct().find(list(self.sources), on_progress), command.group)
        written = (str(self.dataset.folder), self.target)
        pairs = not makes_images(self.provided)
        inputs = list_inputs(self.sources, self.provided.cls, written, command.match, command.group, pairs=pairs)
        check_undivided(inputs, list(self.choices))
        return inputs


def request_for(name: str, sources: Sequence[str | Path], out: str | Path, wishes: Wishes) -> Request:
    """The request, once all is checked that costs nothing to check. Nothing is written.

    Args:
        name: The preparer.
        sources: What it is made of.
        out: Where it goes.
        wishes: What it is to be, and how the work is done.

    Raises:
        UsageError: If something is wrong with it, or with what is at ``out``.
        I2iError: If the preparer cannot be constructed, where that costs nothing.
    """
    choices, means = checked(wishes)
    given = _given(sources)
    target = absolute(_place(out, "out"))
    _check_means(means, target)
    provided = lookup("preparer", name)
    command = command_for(name, provided, given, choices)
    folder = work_folder(target, means["work"]) if is_url(target) else Path(target)
    _check_apart(given, (target, str(folder)))
    request = Request(provided, command, choices, given, DatasetFolder(folder), target, means)
    request.dataset.check_ours()
    request.standing()
    if finds(provided):
        request.construct()
    if is_url(target):
        check_place(folder, target, command, overwrite=means["overwrite"])
    return request


def _given(sources: Sequence[str | Path]) -> tuple[str, ...]:
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
            raise UsageError(f"{place!r} would be read and written. Give another folder for the dataset.")


def _check_means(means: Means, target: str) -> None:
    if not 0 <= means["rank"] < means["world_size"]:
        raise UsageError(
            f"There is no rank {means['rank']} of {means['world_size']}. Ranks are counted from 0 to one less than all."
        )
    if means["overwrite"] and means["world_size"] > 1:
        raise UsageError(
            "--overwrite would remove what other ranks have done. Remove the folder, then start the ranks without it."
        )
    if means["address"] is not None and means["engine"] != "ray":
        raise UsageError("--address is that of a Ray cluster. Give --engine ray with it, or leave it out.")
    if not is_url(target) and means["work"] is not None:
        raise UsageError(f"--work is for a dataset that is uploaded, and {target!r} is a folder. Leave it out.")
    if is_url(target) and means["world_size"] > 1:
        raise UsageError(f"Ranks share one folder, and {target!r} is none. Give a folder, then upload it.")
