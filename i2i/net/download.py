"""Files from the network: resumed, measured, and under their name only when they are whole."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from i2i.net.client import Client
from i2i.net.connection import BUSY, Stream
from i2i.net.errors import NetworkError, UnreachableError
from i2i.system import safe_json
from i2i.system.files import cannot_write, make_folder, sha256_of, sync_folder, write_atomically

MAX_BYTES = 64 * 2**30
"""Largest file that is fetched unless the caller says otherwise."""
ENOUGH = 2**16
"""A try that brings so many bytes is no failure, though it was cut."""

Progress = Callable[[int, int | None], None]
"""Called with how many bytes are here, and how many there are where that is known."""


class Downloaded(NamedTuple):
    """A file that is here."""

    sha256: str
    size: int
    """Bytes."""
    url: str
    """Where it came from, after redirects; empty if it was here before."""


def fetch(
    client: Client,
    url: str,
    file: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    max_bytes: int = MAX_BYTES,
    on_progress: Progress | None = None,
) -> Downloaded:
    """Fetch a file. An interrupted call leaves a hidden part beside it, and the next one goes on from there.

    The part is used if the server says that the file is still the same one (``If-Range``, RFC 9110 section 13.1.5), or
    if its checksum is known. A file of the right checksum is not fetched again.

    Args:
        client: Who asks.
        url: Of the file.
        file: Where it goes; what was there before is replaced at one instant.
        sha256: What the file must have, in hexadecimal.
        size: Bytes that it must have.
        max_bytes: Largest file that is accepted where its size is not known.
        on_progress: Told how it goes.

    Raises:
        UnsafeUrlError: If the URL, or one it redirects to, is none that i2i asks.
        UnreachableError: If the server does not give the whole file, in all tries.
        NetworkError: If the server refuses, or gives another file than the expected one.
        OutputError: If the file cannot be written, or the disk is full.
    """
    wanted = sha256.lower() if sha256 else None
    if wanted and file.is_file() and (found := sha256_of(file)) == wanted:
        return Downloaded(found, file.stat().st_size, "")
    make_folder(file.parent)
    part = _Part(file, url, wanted is not None)
    done = _all_of(client, url, part, size, max_bytes, on_progress or _silent)
    if size is not None and part.size() != size:
        part.drop()
        raise NetworkError(
            f"{url!r} is not the file that was expected: not {size} bytes. Try again, or another source."
        )
    found = sha256_of(part.path)
    if wanted and found != wanted:
        part.drop()
        raise NetworkError(
            f"{file.name!r} came with the checksum {found}, expected was {wanted}. It was removed; fetch it again."
        )
    count = part.size()
    part.become(file)
    return Downloaded(found, count, done)


class _Part:
    """What has come of a file so far, and by what the server knows that file.

    Args:
        file: What it will be.
        url: Where it is fetched from.
        certain: Whether the file's checksum is known.
    """

    def __init__(self, file: Path, url: str, certain: bool) -> None:
        self.path = file.with_name(f".{file.name}.part")
        self._note = file.with_name(f".{file.name}.part.json")
        self._url = url
        self._certain = certain

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def condition(self) -> dict[str, str]:
        """Headers that ask for the rest, if it is certain to be of the same file."""
        before = self.size()
        rest = {"Range": f"bytes={before}-"}
        if before and (validator := self._validator()):
            return rest | {"If-Range": validator}
        if before and self._certain:
            return rest
        self.drop()
        return {}

    def _validator(self) -> str | None:
        with suppress(OSError, ValueError):
            note = safe_json.load(self._note.read_bytes())
            if note["url"] == self._url:
                return str(note["validator"]) if note["validator"] else None
        return None

    def same(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer is about the file that the part is of: some servers know no ``If-Range``."""
        before, now = self._validator(), _validator_of(headers)
        return before is None or now is None or before == now

    def take(self, stream: Stream, limit: int, exact: bool, on_progress: Progress) -> None:
        """Write the body of an answer behind the part, or in its place."""
        start, total = _range_of(stream) if stream.status == 206 else (0, stream.length)
        if stream.status == 206 and (start != self.size() or not self.same(stream.headers)):
            self.drop()
            raise UnreachableError(f"{stream.url} has changed while it was fetched. Run the same command again.")
        if exact and total is not None and total != limit:
            raise NetworkError(f"{stream.url} has {total} bytes, expected were {limit}. Is it another version?")
        if not (stream.delimited or exact or self._certain):
            raise NetworkError(
                f"{stream.url} does not say where the file ends, and neither its size nor checksum is known."
            )
        write_atomically(
            self._note, json.dumps({"url": self._url, "validator": _validator_of(stream.headers)}).encode()
        )
        done = start
        on_progress(done, total)
        with self._open("r+b" if start else "wb") as file:
            file.seek(start)
            for data in stream.chunks(limit - start):
                self._write(file, data)
                done += len(data)
                on_progress(done, total)
        if total is not None and done < total:
            raise UnreachableError(f"{stream.url} gave {done} of {total} bytes. Run the same command again.")

    def _open(self, mode: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self.path.open(mode))
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _write(self, file: BinaryIO, data: bytes) -> None:
        try:
            file.write(data)
        except OSError as error:
            raise cannot_write(self.path, error, len(data)) from error

    def become(self, file: Path) -> None:
        """Turn into the file, at one instant."""
        try:
            with self.path.open("rb") as stream:
                os.fsync(stream.fileno())
            self.path.replace(file)
            self._note.unlink(missing_ok=True)
            sync_folder(file.parent)
        except OSError as error:
            raise cannot_write(file, error) from error

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _silent(done: int, total: int | None) -> None:
    pass


def _all_of(client: Client, url: str, part: _Part, size: int | None, max_bytes: int, on_progress: Progress) -> str:
    """Fetch until the part is the whole; returns where it came from."""
    tried, most = 0, 0
    while True:
        before, headers = part.size(), None
        most = max(most, before)
        try:
            with client.exchange(url, part.condition(), endless=True) as stream:
                if stream.status in (200, 206):
                    part.take(stream, max_bytes if size is None else size, size is not None, on_progress)
                    return stream.url.text
                if stream.status == 416 and before and _total(stream) == before and part.same(stream.headers):
                    return stream.url.text  # it was cut between the last byte and its name
                if stream.status == 416 and before:
                    part.drop()
                elif stream.status not in BUSY:
                    raise NetworkError(f"{stream.url} answers {stream.status}. Is the address right?")
                headers = stream.headers
                failure = UnreachableError(f"{stream.url} answers {stream.status}. Try again later.")
        except UnreachableError as error:
            failure = error
        tried = 1 if part.size() >= most + ENOUGH else tried + 1
        if tried >= client.tries or not client.wait(tried, headers):
            raise failure


def _validator_of(headers: Mapping[str, str]) -> str | None:
    """By what a server knows this version of a file: a strong ETag, else the date of its last change."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified")


def _range_of(stream: Stream) -> tuple[int, int | None]:
    """First byte, and bytes of the whole file, of an answer to a range."""
    text = stream.headers.get("content-range", "")
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", text.strip(), re.ASCII)
    if not match:
        raise NetworkError(f"{stream.url} answers with the range {text!r}, which means nothing.")
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _total(stream: Stream) -> int | None:
    """Bytes of the file, of an answer that there is no such range."""
    match = re.fullmatch(r"bytes \*/(\d{1,18})", stream.headers.get("content-range", "").strip(), re.ASCII)
    return int(match[1]) if match else None
