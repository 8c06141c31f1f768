"""Upload of a dataset: its report first, by which a second try knows what is there, ``dataset.yaml`` last."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.errors import DataError, OutputError, UsageError
from i2i.places import without_secrets
from i2i.preparation.command import Command, finished_command
from i2i.preparation.listing import WEB, remote, said_of
from i2i.prepared import CARD, REPORT
from i2i.system.files import user_cache

BATCH = 64
"""Files that are handed to a store at once."""


def work_folder(url: str, chosen: Path | None) -> Path:
    """Return the folder of this machine in which a dataset is made that is then uploaded.

    Args:
        url: Where it goes.
        chosen: The user's choice.
    """
    if chosen is not None:
        return Path(os.path.abspath(chosen))
    return user_cache("prepare", hashlib.sha256(url.encode()).hexdigest()[:16])


def check_place(url: str, command: Command) -> None:
    """Find out what would be refused at the end, before anything is worked on.

    Args:
        url: Where the dataset goes.
        command: What it will be.

    Raises:
        UsageError: If another dataset or something else is there, or nothing can be written to such addresses.
        OutputError: If the store does not answer.
    """
    with _store(url) as store:
        there = store.sizes()
        if there and not there.keys() & {CARD, REPORT}:
            raise store.refusal(there)
        if CARD in there:
            made_by = finished_command(store.read(CARD, there), f"{store.shown}/{CARD}")
            if differences := command.differences(made_by, versions=False):
                raise UsageError(f"{store.shown!r} was made with other settings: {differences}. Give another place.")


def upload(folder: Path, url: str, on_progress: Callable[[int, int], None]) -> None:
    """Upload a finished dataset; a second try sends only what is not there.

    Args:
        folder: The dataset.
        url: Where it goes.
        on_progress: Told how many of how many files are there.

    Raises:
        UsageError: If another dataset or something else is there, or nothing can be written to such addresses.
        OutputError: If the store does not take a file.
    """
    here = {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()
    }
    with _store(url) as store:
        there = store.sizes()
        if not there:
            store.send(folder, [REPORT])
        elif store.read(REPORT, there) != (folder / REPORT).read_bytes():  # which knows the checksum of every file
            raise store.refusal(there)
        missing = [name for name, size in here.items() if there.get(name) != size and name not in (CARD, REPORT)]
        for start in range(0, len(missing), BATCH):
            on_progress(len(here) - len(missing) - 1 + start, len(here))
            store.send(folder, missing[start : start + BATCH])
        if store.read(CARD, there) != (folder / CARD).read_bytes():
            store.send(folder, [CARD])
        on_progress(len(here), len(here))


class _Store:
    """The place in a store where a dataset goes; without secrets it is called `shown`."""

    def __init__(self, url: str) -> None:
        place = remote(url)
        self.files: Any = place.fs
        self.root = str(place.fs._strip_protocol(place.path)).rstrip("/")
        self.shown = without_secrets(url)

    def sizes(self) -> dict[str, int]:
        """Return name and size of every file there."""
        try:
            found = self.files.find(self.root, detail=True)
        except FileNotFoundError:
            return {}
        return {path[len(self.root) :].lstrip("/"): int(details["size"]) for path, details in found.items()}

    def read(self, name: str, there: dict[str, int]) -> bytes:
        """Return the bytes of a file; none where it is not there."""
        return bytes(self.files.cat_file(f"{self.root}/{name}")) if name in there else b""

    def send(self, folder: Path, names: list[str]) -> None:
        self.files.put([str(folder / name) for name in names], [f"{self.root}/{name}" for name in names])

    def refusal(self, there: dict[str, int]) -> UsageError:
        what = "another dataset, or a part of one" if there.keys() & {CARD, REPORT} else "something else"
        return UsageError(
            f"{self.shown!r} holds {what}, such as {min(there)!r}, and nothing is removed there. "
            "Give another place, or remove it yourself."
        )


@contextmanager
def _store(url: str) -> Iterator[_Store]:
    """Open a place; whatever its store raises is one line that names it.

    Raises:
        UsageError: If nothing can be written to addresses of this kind.
        OutputError: If the store raises anything.
    """
    shown = without_secrets(url)
    if url.startswith(WEB):
        raise UsageError(
            f"Nothing can be written to {shown!r}. Give a bucket, such as s3://bucket/folder, or a folder."
        )
    try:
        yield _Store(url)
    except (DataError, OutputError, UsageError):
        raise
    except Exception as error:  # every store has errors of its own
        reason = said_of(url, error)
        raise OutputError(f"{shown!r} cannot be written: {reason}. The same command goes on from here.") from error
