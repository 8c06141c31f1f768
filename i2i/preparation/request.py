"""A preparation that was asked for, validated as far as possible before its inputs are looked for."""

import os
import pickle
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from i2i.errors import I2iError, UsageError
from i2i.looks import look_of
from i2i.options import build, validate
from i2i.pairs import Finding
from i2i.places import hide_secrets, is_url, without_secrets
from i2i.plugins import Provided, describe, lookup
from i2i.preparation.command import Command, command_for, finds, makes_images
from i2i.preparation.folder import DatasetFolder, Standing
from i2i.preparation.inputs import inputs_of, list_inputs
from i2i.preparation.listing import absolute, is_inside
from i2i.preparation.settings import Settings
from i2i.preparation.tasks import Inputs
from i2i.preparation.upload import check_place, work_folder
from i2i.prepared import HALVES, is_prepared


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

    @property
    def finds(self) -> bool:
        """Return whether the preparer finds its inputs itself."""
        return finds(self.provided)

    @property
    def asks_others(self) -> bool:
        """Return whether the preparer finds its inputs itself, and elsewhere than on this machine."""
        return self.finds and not all(os.path.exists(source) for source in self.sources)

    def standing(self) -> Standing:
        """Return what is there already; see `DatasetFolder.standing`."""
        return self.dataset.standing(self.command)

    @property
    def makes_images(self) -> bool:
        """Return whether the preparer says by its type that it makes single images and no pairs."""
        return makes_images(self.provided)

    def construct(self) -> Any:
        """Build the preparer.

        Raises:
            I2iError: If it cannot be constructed.
        """
        owner = f"preparer {self.command.preparer!r}"
        try:
            return build(self.provided.cls, options=self.command.all_options, owner=owner)
        except I2iError:
            raise
        except Exception as error:  # a stranger's code
            raise UsageError(f"{owner} cannot be constructed: {describe(error)}.") from error

    @contextmanager
    def hiding(self) -> Iterator[None]:
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
        if self.finds:
            with self.hiding():
                found = self.construct().find(list(self.sources), on_progress)
            said = {name: hide_secrets(value, *self.sources) for name, value in vars(found).items() if name != "items"}
            # the keys of items stay as they are, and are only hashed
            items = [item._replace(metadata=hide_secrets(item.metadata, *self.sources)) for item in found.items]
            return inputs_of(Finding(items=items, **said), command.group)
        written = (str(self.dataset.folder), self.target)
        pairs = not self.makes_images
        inputs = list_inputs(self.sources, self.provided.cls, written, command.match, command.group, pairs=pairs)
        _check_undivided(inputs, command)
        facts = self.construct().facts if hasattr(self.provided.cls, "facts") else {}
        if look_of(self.provided.cls) is not None:
            facts = {**facts, "looks": {HALVES[0]: command.preparer}}
        return inputs._replace(finding=Finding([], facts=facts)) if facts else inputs


def check_request(name: str, sources: Sequence[str | Path], out: str | Path, given: Mapping[str, Any]) -> Request:
    """Validate all of a request that costs nothing to check. Nothing is written.

    Args:
        name: The preparer.
        sources: What it is made of.
        out: Where it goes.
        given: `Settings`.

    Raises:
        UsageError: If something is wrong with it, or with what is at ``out``.
        I2iError: If the preparer cannot be constructed, where that costs nothing.
    """
    settings = validate(Settings, given, "prepare")
    if isinstance(sources, str | bytes | os.PathLike) or not sources:
        raise UsageError(f"Sources are a list of paths and addresses, not {sources!r}.")
    places = tuple(map(str, sources))
    target = absolute(out)
    _check_work(settings, target)
    provided = lookup("preparer", name)
    _check_number(name, provided, places, str(out))
    command = command_for(name, provided, places, settings)
    folder = work_folder(target, settings.work) if is_url(target) else Path(target)
    _check_apart(places, (target, str(folder)))
    request = Request(provided, command, places, DatasetFolder(folder), target)
    request.dataset.check_ours(overwrite=settings.overwrite)
    request.standing()
    try:
        pickle.dumps(provided.cls)
    except (pickle.PicklingError, AttributeError):
        raise UsageError(
            f"preparer {name!r} is not at the top level of a module, where worker processes could import it."
        ) from None
    if request.finds:
        request.construct()
    if is_url(target):
        check_place(target, command)
    return request


def _check_undivided(inputs: Inputs, command: Command) -> None:
    """Refuse shares for sources that are divided already.

    Raises:
        UsageError: If they are, and shares were chosen.
    """
    if inputs.published and (shares := [f"--{name}" for name in ("val", "test") if name in command.model_fields_set]):
        raise UsageError(
            f"The sources are divided already, into {inputs.published}, which stay as they are. Leave out "
            f"{' and '.join(shares)}; `i2i prepare split` divides the dataset anew."
        )


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
    if settings.rank >= settings.world_size:
        raise UsageError(
            f"There is no rank {settings.rank} of {settings.world_size}. Ranks are counted from 0 to one less than all."
        )
    if settings.overwrite and settings.world_size > 1:
        raise UsageError(
            "--overwrite would remove what other ranks have done. Remove the folder, then start the ranks without it."
        )
    if settings.address is not None and settings.engine != "ray":
        raise UsageError("--address is that of a Ray cluster. Give --engine ray with it, or leave it out.")
    if not is_url(target) and settings.work is not None:
        raise UsageError(f"--work is for a dataset that is uploaded, and {shown!r} is a folder. Leave it out.")
    if is_url(target) and settings.world_size > 1:
        raise UsageError(f"Ranks share one folder, and {shown!r} is none. Give a folder, then upload it.")
