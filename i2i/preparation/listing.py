"""Finding images on this machine or in an object store: names, and stamps that change when a file does."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from i2i import images
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images import ImageError
from i2i.images.discovery import JUNK, SUFFIXES, Skipped
from i2i.images.formats.open_file import MAX_BYTES
from i2i.places import hide_secrets, is_url, without_secrets
from i2i.plugins import describe
from i2i.prepared import CARD, REPORT, is_prepared

WEB = ("http://", "https://")
LOCAL = ("file://", "local://")

PREPARED = "prepared-dataset"
"""Why a folder in a source is passed over: what was made of images is not made into pairs once more."""


class Found(NamedTuple):
    """An image file."""

    file: str
    """Absolute path, or URL."""
    root: int
    """Which of the sources it came from."""
    name: str
    """Relative to all sources."""
    inner: str
    """Relative to its own source."""
    stamp: str = ""
    """Size and version as the store listed them; of a local file it is looked up when it is needed."""


class Listing(NamedTuple):
    """Everything that lies in the sources."""

    files: list[Found]
    skipped: list[Skipped]


def absolute(source: str | Path) -> str:
    """Return a path made absolute, one that is written as an address too; any other address as its store spells it.

    Raises:
        UsageError: If there is nothing installed for addresses of its kind.
    """
    text = os.fspath(source)
    if not is_url(text):
        return os.path.abspath(text)
    if text.startswith(WEB):
        return text.rstrip("/")
    place = remote(text)
    if text.startswith(LOCAL):
        return os.path.abspath(str(place.path))
    return str(place.fs.unstrip_protocol(place.path)).rstrip("/")


def list_sources(sources: Sequence[str], written: Sequence[str]) -> Listing:
    """List all images below the sources, by name; a prepared dataset in a source, which is none itself, is passed over.

    Args:
        sources: As `absolute` gives them: paths, or addresses in one store.
        written: What is not entered: folders and addresses that are being written.

    Raises:
        MissingInputError: If a source is not there.
        UsageError: If they are not of one place.
        DataError: If the store cannot be asked.
    """
    urls = [source for source in sources if is_url(source)]
    if not urls:
        return _list_local(sources, written)
    shown = without_secrets(urls[0])
    if len(urls) < len(sources):
        raise UsageError(f"{shown!r} is an address and others are paths. Give sources of one place.")
    if urls[0].startswith(WEB):
        raise UsageError(f"{shown!r} cannot be listed. Give a bucket, such as s3://, or download the images first.")
    return _list_remote(urls, written)


def is_inside(place: str, folder: str) -> bool:
    """Return whether a path or an address is a folder, or lies below it."""
    if is_url(place) or is_url(folder):
        return place == folder or place.startswith(f"{folder}/")
    return Path(place).is_relative_to(folder)


def _list_local(sources: Sequence[str], written: Sequence[str]) -> Listing:
    roots = [Path(source) for source in sources]
    own = next((Path(place) for place in written if not is_url(place)), None)
    found = images.discover(
        roots, exclude=own, pass_over=lambda folder, names: PREPARED if is_prepared(folder, names) else ""
    )
    files = []
    for name, file in zip(found.names, found.files, strict=True):
        root = next((i for i, root in enumerate(roots) if file.is_relative_to(root)), 0)
        inner = file.name if file == roots[root] else file.relative_to(roots[root]).as_posix()
        files.append(Found(str(file), root, name, inner))
    return Listing(files, found.skipped)


def _list_remote(urls: Sequence[str], written: Sequence[str]) -> Listing:
    common = PurePosixPath(os.path.commonpath([url.partition("://")[2] for url in urls]))
    if len({url.partition("://")[0] for url in urls}) > 1 or common == PurePosixPath("."):
        first, last = without_secrets(urls[0]), without_secrets(urls[-1])
        raise UsageError(f"{first!r} and {last!r} have no common place. Give sources of one bucket.")
    files: dict[str, Found] = {}
    skipped = []
    for root, url in enumerate(urls):
        prefix = PurePosixPath(url.partition("://")[2]).relative_to(common).as_posix()
        walked = _walk(url)
        prepared = _prepared(inner for inner, _, _ in walked)
        for inner, address, details in walked:
            name = inner if prefix == "." else f"{prefix}/{inner}"
            if any(is_inside(address, place) for place in written):
                continue
            if within := next((folder for folder in prepared if inner.startswith(f"{folder}/")), ""):
                skipped.append(Skipped(name[: len(name) - len(inner) + len(within)], PREPARED))
                continue
            if reason := _reason(inner):
                skipped.append(Skipped(name, reason))
            else:
                files.setdefault(address, Found(address, root, name, inner, _stamp(details)))
    in_order = sorted(files.values(), key=lambda found: os.fsencode(found.name))
    return Listing(in_order, sorted(set(skipped)))


def _prepared(files: Iterable[str]) -> list[str]:
    """Return folders of a source that hold a prepared dataset."""
    last = [(folder, name) for folder, _, name in (file.rpartition("/") for file in files) if folder]
    return sorted({folder for folder, name in last if name == CARD} & {f for f, name in last if name == REPORT})


def _walk(url: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return path below the source, address and details of every file there, in one request where the store can."""
    place = remote(url)
    try:
        found = place.fs.find(place.path, detail=True)
    except Exception as error:  # every store has errors of its own
        raise DataError(f"{without_secrets(url)!r} cannot be listed: {said_of(url, error)}.") from error
    if not found:
        raise MissingInputError(f"There is nothing at {without_secrets(url)!r}. Give a bucket, or a folder in one.")
    start = str(place.fs._strip_protocol(place.path))
    walked = []
    for path, details in found.items():
        inner = path[len(start) :].lstrip("/") or PurePosixPath(path).name
        walked.append((inner, str(place.fs.unstrip_protocol(path)), details))
    return walked


def remote(url: str) -> Any:
    """Open the place behind an address.

    Raises:
        UsageError: If there is nothing installed for addresses of its kind.
    """
    from upath import UPath

    try:
        place = UPath(url)
        place.fs  # noqa: B018  # this is where the store's package is imported
    except (ImportError, ValueError) as error:
        said = hide_secrets(str(error), url)
        raise UsageError(
            f"{without_secrets(url)!r} cannot be opened: {said} (pip install s3fs, gcsfs, adlfs, ...)"
        ) from error
    return place


def fetch(url: str, where: str) -> bytes:
    """Download the bytes of an image in an object store.

    Args:
        url: Its address.
        where: What messages call it.

    Raises:
        ImageError: If it is empty, larger than any image, or the store does not give it.
    """
    try:
        with remote(url).open("rb") as stream:
            data: bytes = stream.read(MAX_BYTES + 1)
    except Exception as error:  # every store has errors of its own
        raise ImageError("unreadable", f"{where} cannot be read: {said_of(url, error)}.") from error
    if not data:
        raise ImageError("empty", f"{where} is empty. Copy it again.")
    if len(data) > MAX_BYTES:
        raise ImageError("too-large", f"{where} has more than {MAX_BYTES} bytes. Make it smaller.")
    return data


def said_of(url: str, error: BaseException) -> str:
    """Return what a store says about an address, in one line without its secrets."""
    return hide_secrets(describe(error), url)


def _reason(inner: str) -> str:
    """Return why a file is none of the images, as for files of this machine."""
    parts = PurePosixPath(inner).parts
    if any(part.startswith(".") or part.lower() in JUNK for part in parts):
        return "junk"
    suffix = PurePosixPath(inner).suffix.lower()
    return "" if suffix in SUFFIXES else images.printable(suffix) or "no suffix"


def _stamp(details: dict[str, Any]) -> str:
    version = next((details[key] for key in ("ETag", "etag", "md5Hash", "mtime", "created") if key in details), "")
    return f"{details.get('size') or 0} {version}"
