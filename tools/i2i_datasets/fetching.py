"""The two ways to a set: its copy on the Hugging Face Hub, and the authors' archive."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, EFBIG, EIO, ENOSPC, EPERM, EROFS
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.utils.tqdm import disable_progress_bars

from i2i import __version__
from i2i.errors import DataError, I2iError
from i2i.net import ArchiveError, Client, Names, NetworkError, extract, fetch, parse_url
from i2i.places import hide_secrets, without_secrets
from i2i.system.files import cannot_write, sha256_of

USER_AGENT = f"i2i/{__version__} (data get)"
WANTED = ["*.parquet", "README.md"]
"""What a copy on the Hub is made of; code and other files are not fetched."""

FAILURES = (httpx2.HTTPError, OSError, ValueError, TypeError, KeyError, AttributeError)
"""What the client raises: its own errors are some of the first three; the others mean an answer of another shape."""

UNWRITABLE = frozenset({ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EFBIG, EIO})
"""Errors of a disk, not of a network."""

Progress = Callable[[int, int | None], None]
"""Called with how many bytes are here, and how many there are where that is known."""


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

    def discard(self) -> None:
        """Remove an archive, so that the next call fetches it again."""
        if self.archive is not None:
            self.archive.unlink()


class HubUnreachableError(NetworkError):
    """The Hub, or a mirror of it, does not have the set or does not answer."""


def fetch_from_hub(repository: str, folder: Path, *, mirror: str | None = None, quiet: bool = False) -> Fetched:
    """Fetch the newest version of a dataset of Parquet files; every file is compared with the Hub's own checksum.

    An interrupted call goes on where it stopped.

    Args:
        repository: ``USER/NAME``.
        folder: Where to keep what was fetched.
        mirror: Address of another Hub; the environment's ``HF_ENDPOINT``, or the Hub itself, when not given.
        quiet: Show no progress.

    Raises:
        HubUnreachableError: If it is not there, or cannot be fetched.
        DataError: If a file does not arrive as the Hub has it, or has a name that leads elsewhere on some system.
        OutputError: If something cannot be written, or the disk is full.
    """
    if quiet:
        disable_progress_bars()
    with _in_one_line(repository, folder, mirror):
        api = HfApi(endpoint=mirror, library_name="i2i", library_version=__version__)
        info = api.dataset_info(repository)
        files = [file.rfilename for file in info.siblings or () if _is_wanted(file.rfilename)]
        if not any(name.endswith(".parquet") for name in files):
            raise HubUnreachableError(f"{repository} on the Hub has no Parquet files.")
        _check_names(repository, files)
        content = folder / str(info.sha)
        api.snapshot_download(
            repository, repo_type="dataset", revision=info.sha, allow_patterns=WANTED, local_dir=content
        )
        # its client compares sizes only while it downloads
        found = api.verify_repo_checksums(repository, repo_type="dataset", revision=info.sha, local_dir=content)
    if found.mismatches:
        for mismatch in found.mismatches:
            (content / mismatch["path"]).unlink()
        raise DataError(
            f"{found.mismatches[0]['path']!r} of {repository} came with another checksum than the Hub has. It was "
            "removed; run the same command again."
        )
    shutil.rmtree(content / ".cache", ignore_errors=True)  # the client's notes for resuming
    fetched = sorted(file for file in content.rglob("*") if file.is_file())
    checksums = {file.relative_to(content).as_posix(): sha256_of(file) for file in fetched}
    origin = {"hub": repository, "revision": info.sha, "mirror": mirror and without_secrets(mirror)}
    return Fetched(content, origin, checksums)


def _is_wanted(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in WANTED)


def _check_names(repository: str, files: Iterable[str]) -> None:
    names = Names()
    for name in files:
        try:
            names.take(name)
        except ValueError as error:
            raise DataError(f"{repository} holds {error} Refused.") from None


@contextmanager
def _in_one_line(repository: str, folder: Path, mirror: str | None) -> Iterator[None]:
    """Turn what the client raises and warns of into one line."""
    try:
        with catch_warnings():
            simplefilter("ignore")  # of too little room, once a file and once a folder
            yield
    except I2iError:
        raise
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            raise cannot_write(folder, error) from error
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if mirror is not None:
            reason = hide_secrets(reason, mirror)
        raise HubUnreachableError(f"{repository} cannot be fetched from the Hub: {reason}.") from error


def fetch_archive(url: str, folder: Path, on_progress: Progress) -> Fetched:
    """Fetch an archive and take it apart. An interrupted download goes on where it stopped.

    Args:
        url: Of the archive; a host in a private network is allowed, since it was named.
        folder: Where to keep what was fetched.
        on_progress: Told how the download goes.

    Raises:
        UsageError: If this is no address to ask.
        NetworkError: If it cannot be fetched.
        ArchiveError: If the archive is damaged, or not safe.
        OutputError: If something cannot be written, or the disk is full.
    """
    # in a folder of its own: another address may have another file of that name
    archive = folder / hashlib.sha256(url.encode()).hexdigest()[:16] / url.rpartition("/")[2]
    if not archive.is_file():  # under this name it is whole
        with Client(USER_AGENT, named=[url]) as client:
            fetch(client, url, archive, on_progress)
    content = folder / "content"
    shutil.rmtree(content, ignore_errors=True)
    try:
        extract(archive, content)
    except ArchiveError as error:
        archive.unlink()
        raise ArchiveError(f"What came from {parse_url(url)} was removed: {error}") from error
    return Fetched(_inner(content), {"archive": without_secrets(url)}, {archive.name: sha256_of(archive)}, archive)


def _inner(folder: Path) -> Path:
    """The folder of the splits: most archives hold one folder that holds it all."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name not in ("train", "data"):
        return _inner(entries[0])
    return folder
