"""Get a classic set: its copy on the Hub, or its authors' archive, becomes a folder that training reads."""

import hashlib
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from i2i import __version__, safe_yaml
from i2i.data.tables.detect import splits_of
from i2i.errors import DataError, UsageError
from i2i.net import ArchiveError, Client, extract, fetch, parse_url
from i2i.net.download import Progress
from i2i.places import without_secrets
from i2i.prepared import CARD
from i2i.system.files import cannot_write, lock, make_folder, sha256_of, write_atomically
from i2i_hub.card import NOTES, README
from i2i_hub.client import HubError, attempt, connect
from i2i_hub.download import download, list_files
from i2i_hub.sets import ClassicSet, classic_set

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


class Fetched(NamedTuple):
    """A set that is here, not yet in its place."""

    content: Path
    """The folder that holds it."""
    origin: dict[str, Any]
    """Plain data: from where it came, and which version."""
    sha256: dict[str, str]
    """Of each file that was fetched."""
    archive: Path | None = None
    """What the content was taken out of."""


def get_set(
    name: str,
    folder: Path,
    *,
    mirror: str | None = None,
    base_url: str | None = None,
    quiet: bool = False,
    on_progress: Progress = lambda done, total: None,
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

    Raises:
        UnknownNameError: If no set is called so.
        UsageError: If the folder holds something else, or there is no such way to this set.
        HubError: If the Hub, or the mirror, does not have it or does not answer, and there is no archive.
        NetworkError: If the archive cannot be fetched.
        DataError: If what was fetched is damaged, or is no set of pairs.
        OutputError: If something cannot be written, or the disk is full.
    """
    facts = classic_set(name)
    if mirror and base_url:
        raise UsageError("Both a mirror of the Hub and a folder of archives are given. Give one of them.")
    if mirror and facts.hub is None:
        raise UsageError(f"{name} has no copy on the Hub that is known. Leave out the mirror.")
    archive = f"{base_url.rstrip('/')}/{name}.tar.gz" if base_url else None if mirror else facts.archive
    if archive is not None:
        parse_url(archive)
    if (here := _finished(name, folder)) is not None:
        return here
    staging = folder / STAGING
    make_folder(staging)
    with lock(staging / "lock"):
        fetched = None if base_url or facts.hub is None else _from_hub(facts.hub, archive, staging, mirror, quiet)
        if fetched is None:
            assert archive is not None, "every set has a copy on the Hub or an archive"
            fetched = _from_archive(archive, staging, on_progress)
        splits = _splits_of(fetched, name)
        _move(fetched.content, folder)
        card = _card_of(name, facts, fetched, splits)
        write_atomically(folder / CARD, yaml.safe_dump(card, sort_keys=False, allow_unicode=True).encode())
    shutil.rmtree(staging, ignore_errors=True)
    return Got(folder, splits, card, True)


def _finished(name: str, folder: Path) -> Got | None:
    """Return the set, if it is here.

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


def _from_hub(repository: str, archive: str | None, staging: Path, mirror: str | None, quiet: bool) -> Fetched | None:
    """Fetch the newest version of a dataset of Parquet files; None, and a note, where the archive is to be tried."""
    api = connect(endpoint=mirror, quiet=quiet)

    def fetch_once() -> Fetched:
        commit = str(api.dataset_info(repository).sha)
        listed = list_files(api, repository, "dataset", commit)
        files = {name: checksum for name, checksum in listed.items() if name == README or name.endswith(".parquet")}
        if not files.keys() - {README}:
            raise HubError(f"{repository} on the Hub has no Parquet files.")
        content = download(api, repository, "dataset", commit, files, _folder_of(commit, staging))
        shutil.rmtree(content / ".cache", ignore_errors=True)  # the client's notes for resuming
        origin = {"hub": repository, "revision": commit, "mirror": mirror and without_secrets(mirror)}
        return Fetched(content, origin, {name: sha256_of(content / name) for name in sorted(files)})

    try:
        return attempt(repository, fetch_once, place=staging)
    except HubError as error:
        if archive is None:
            raise
        NOTES.warning("%s Trying the authors' archive, %s.", error, without_secrets(archive))
        return None


def _from_archive(url: str, staging: Path, on_progress: Progress) -> Fetched:
    """Fetch an archive and take it apart; a host in a private network is allowed, since it was named."""
    shown = without_secrets(url)
    if url.startswith("http://"):
        NOTES.warning("%s is not encrypted and has no known checksum. What came is noted in %s.", shown, CARD)
    archive = _folder_of(url, staging) / url.rpartition("/")[2]
    if not archive.is_file():  # under this name it is whole
        with Client(f"i2i/{__version__} (data get)", named=[url]) as client:
            fetch(client, url, archive, on_progress)
    content = staging / "content"
    shutil.rmtree(content, ignore_errors=True)
    try:
        extract(archive, content)
    except ArchiveError as error:
        archive.unlink()
        raise ArchiveError(f"What came from {parse_url(url)} was removed: {error}") from error
    return Fetched(_inner(content), {"archive": shown}, {archive.name: sha256_of(archive)}, archive)


def _folder_of(version: str, staging: Path) -> Path:
    """Return a folder for one version of a set alone."""
    return staging / hashlib.sha256(version.encode()).hexdigest()[:16]


def _inner(folder: Path) -> Path:
    """Return the folder of the splits: most archives hold one folder that holds it all."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name not in ("train", "data"):
        return _inner(entries[0])
    return folder


def _splits_of(fetched: Fetched, name: str) -> list[str]:
    try:
        return splits_of(fetched.content)
    except DataError as error:
        if fetched.archive is not None:
            fetched.archive.unlink()  # so that the next call fetches it again
        came = next(iter(fetched.origin.values()))
        raise DataError(f"What came for {name} from {came} is no set of pairs. {error}") from error


def _move(content: Path, folder: Path) -> None:
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
