"""Data files: those of a set that is stored as a few large ones, here or behind an fsspec address."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from i2i.errors import DataError, I2iError, MissingInputError
from i2i.places import is_url
from i2i.splits import SPLIT_NAMES, SPLITS

NUMBERED = re.compile(r"(\w+)-\d{5}-of-\d{5}")
"""How the Hub itself names the files of a split, whatever that is called."""


class DataFile(NamedTuple):
    """One file."""

    url: str
    """Address or path."""
    name: str
    """Path relative to the set, without suffix."""


def find(root: str, suffix: str) -> list[DataFile]:
    """Find the data files below a folder, or the one that ``root`` is, by name; none that begins with ``.`` or ``_``.

    Raises:
        MissingInputError: If there is no such folder.
        DataError: If it cannot be listed.
    """
    from fsspec.core import url_to_fs

    with file_errors_in_a_line(root):
        fs, base = url_to_fs(root)
        paths = [base] if fs.isfile(base) else fs.find(base)
        if not paths and not fs.exists(base):
            raise FileNotFoundError
        files = []
        for path in sorted(paths):
            name = path.removeprefix(base).lstrip("/") or path.rpartition("/")[2]
            if name.endswith(suffix) and not any(part.startswith((".", "_")) for part in name.split("/")):
                files.append(DataFile(fs.unstrip_protocol(path) if is_url(root) else path, name.removesuffix(suffix)))
        return files


def by_split(files: Sequence[DataFile]) -> dict[str, list[DataFile]]:
    """Group files by split, by their names, as the Hub understands them; where no name says a split, all are ``train``.

    Raises:
        DataError: If some names say a split, and others do not.

    Example:
        >>> list(by_split([DataFile("", "data/train-00000-of-00001"), DataFile("", "data/dev-00000-of-00001")]))
        ['train', 'val']
        >>> list(by_split([DataFile("", "0001"), DataFile("", "0002")]))
        ['train']
    """
    found: dict[str, list[DataFile]] = {split: [] for split in SPLITS}
    nameless = []
    for file in files:
        if split := _split_of(file.name):
            found.setdefault(split, []).append(file)
        else:
            nameless.append(file)
    named = {split: of_split for split, of_split in found.items() if of_split}
    if named and nameless:
        raise DataError(
            f"{nameless[0].url} does not say its split, as other files beside it do ({', '.join(named)}). "
            "Put train, val or test into its name, or move it away."
        )
    return named or ({"train": nameless} if nameless else {})


def _split_of(name: str) -> str | None:
    """Return the split that a file's name or, where that says nothing, a folder's says."""
    parts = name.split("/")
    for part in reversed(parts):
        words = re.split(r"[^a-z]+", part.lower())
        for split, keywords in SPLIT_NAMES.items():
            if any(word in keywords for word in words):
                return split
    numbered = NUMBERED.fullmatch(parts[-1])
    return numbered[1] if numbered else None


@contextmanager
def opened(url: str) -> Iterator[IO[Any]]:
    """Open a data file for reading.

    Opened anew each time: a process that was forked must not share a position in a file, nor a connection.

    Raises:
        MissingInputError: If it is not there.
        DataError: If it cannot be read.
    """
    from fsspec.core import url_to_fs

    with file_errors_in_a_line(url):
        fs, path = url_to_fs(url)
        with fs.open(path, "rb") as file:
            yield file


@contextmanager
def file_errors_in_a_line(where: str) -> Iterator[None]:
    """Raise errors of files, of addresses and of the network as one line."""
    try:
        yield
    except I2iError:
        raise
    except FileNotFoundError:
        raise MissingInputError(f"There is no {where!r}. Give a file, a folder or an address that is there.") from None
    except ImportError as error:
        raise DataError(f"{where} cannot be read: {error}.") from None
    except (OSError, ValueError) as error:  # fsspec: an address of no kind that it knows
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise DataError(f"{where} cannot be read: {reason}.") from error
