"""From the name of a set to a folder that training reads."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from i2i import safe_yaml
from i2i.data.tables.detect import splits_of
from i2i.errors import DataError, UsageError
from i2i.net import parse_url
from i2i.places import without_secrets
from i2i.prepared import CARD
from i2i.system.files import cannot_write, lock, make_folder, write_atomically
from i2i_datasets.fetching import Fetched, HubUnreachableError, Progress, fetch_archive, fetch_from_hub
from i2i_datasets.sets import ClassicSet, classic_set

STAGING = ".i2i-get"
"""Folder inside the set's own, in which everything lies until it is whole."""


class Got(NamedTuple):
    """A set that is here."""

    folder: Path
    splits: list[str]
    card: dict[str, Any]
    """Content of ``dataset.yaml``."""
    fetched: bool
    """False if it was here before."""


def get_set(
    name: str,
    folder: Path,
    *,
    mirror: str | None = None,
    base_url: str | None = None,
    quiet: bool = False,
    on_progress: Progress = lambda done, total: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> Got:
    """Fetch a classic set: from the Hub, or if that fails from the authors' archive.

    Everything lies in a hidden folder until it is whole; ``dataset.yaml`` comes last and says that all is there. An
    interrupted call leaves what it has, and the next one goes on from there.

    Args:
        name: Of the set.
        folder: Where it goes: a new or empty folder, or one that this function began.
        mirror: Address of another Hub, to be used alone.
        base_url: Address of a folder that has ``NAME.tar.gz``, to be used alone.
        quiet: Show no progress of the Hub's client.
        on_progress: Told how many bytes of an archive are here.
        on_notice: Told in one line what else the user should know.

    Raises:
        UnknownNameError: If no set is called so.
        UsageError: If the folder holds something else, or there is no such way to this set.
        NetworkError: If it cannot be fetched.
        DataError: If what was fetched is damaged, or is no set of pairs.
        OutputError: If something cannot be written, or the disk is full.
    """
    facts = classic_set(name)
    if mirror and base_url:
        raise UsageError("Both a mirror of the Hub and a folder of archives are given. Give one of them.")
    archive = _archive_of(name, facts, mirror, base_url)
    if (here := _finished(name, folder)) is not None:
        return here
    staging = folder / STAGING
    make_folder(staging)
    with lock(staging / "lock"):
        hub = facts.hub if base_url is None else None
        fetched = _fetch(hub, archive, staging, mirror, quiet, on_progress, on_notice)
        splits = _splits_of(fetched, name)
        _place(fetched.content, folder)
        card = _card_of(name, facts, fetched, splits)
        write_atomically(folder / CARD, yaml.safe_dump(card, sort_keys=False, allow_unicode=True).encode())
    shutil.rmtree(staging, ignore_errors=True)
    return Got(folder, splits, card, True)


def _finished(name: str, folder: Path) -> Got | None:
    """The set, if it is here.

    Raises:
        UsageError: If the folder holds something else.
    """
    if (folder / CARD).is_file():
        card = safe_yaml.load((folder / CARD).read_text("utf-8"), CARD)
        if not isinstance(card, dict) or card.get("set") != name:
            raise UsageError(f"{str(folder)!r} is another dataset. Give another folder for {name}.")
        return Got(folder, splits_of(folder), card, False)
    if folder.exists() and not (folder / STAGING).is_dir() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{str(folder)!r} is there and holds something else. Give a new folder for {name}.")
    return None


def _archive_of(name: str, facts: ClassicSet, mirror: str | None, base_url: str | None) -> str | None:
    """The address of the archive, where one may be asked.

    Raises:
        UsageError: If it is no address to ask, or a mirror is to be used alone and no copy on the Hub is known.
    """
    if mirror and facts.hub is None:
        raise UsageError(f"{name} has no copy on the Hub that is known. Leave out the mirror.")
    archive = f"{base_url.rstrip('/')}/{name}.tar.gz" if base_url else None if mirror else facts.archive
    if archive is not None:
        parse_url(archive)
    return archive


def _fetch(
    hub: str | None,
    archive: str | None,
    staging: Path,
    mirror: str | None,
    quiet: bool,
    on_progress: Progress,
    on_notice: Callable[[str], None],
) -> Fetched:
    """Fetch from the Hub, else the archive; each where there is one."""
    if hub is not None:
        try:
            return fetch_from_hub(hub, staging, mirror=mirror, quiet=quiet)
        except HubUnreachableError as error:
            if archive is None:
                raise
            on_notice(f"{error} Trying the authors' archive, {without_secrets(archive)}.")
    assert archive is not None, "every set has a copy on the Hub or an archive"
    if archive.startswith("http://"):
        shown = without_secrets(archive)
        on_notice(f"{shown} is not encrypted and has no known checksum. What came is noted in {CARD}.")
    return fetch_archive(archive, staging, on_progress)


def _splits_of(fetched: Fetched, name: str) -> list[str]:
    try:
        return splits_of(fetched.content)
    except DataError as error:
        fetched.discard()
        came = next(iter(fetched.origin.values()))
        raise DataError(f"What came for {name} from {came} is no set of pairs. {error}") from error


def _place(content: Path, folder: Path) -> None:
    """Move what was fetched to where it is looked for; what an interrupted call has moved is replaced."""
    try:
        for entry in sorted(content.iterdir()):
            place = folder / entry.name
            if place.is_dir():
                shutil.rmtree(place)
            entry.replace(place)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _card_of(name: str, facts: ClassicSet, fetched: Fetched, splits: list[str]) -> dict[str, Any]:
    return {
        "set": name,
        "title": facts.title,
        "splits": splits,
        "licence": facts.licence or "",
        "attribution": facts.cite,
        "terms": facts.terms,
        "origin": {key: value for key, value in fetched.origin.items() if value is not None},
        "sha256": fetched.sha256,
    }
