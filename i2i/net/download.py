"""Download files: resumed, and under their name only when they are whole."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from i2i import safe_json
from i2i.net.client import Answer, Client
from i2i.net.errors import NetworkError, UnreachableError
from i2i.net.retry import BUSY
from i2i.system.files import cannot_write, make_folder, sync_folder, write_atomically

MAX_BYTES = 64 * 2**30
"""Largest file that is fetched."""
ENOUGH = 2**16
"""A try that brings so many bytes is no failure, though it was cut."""

Progress = Callable[[int, int | None], None]
"""Called with how many bytes are here, and how many there are where that is known."""


def fetch(client: Client, url: str, file: Path, on_progress: Progress) -> None:
    """Fetch a file. An interrupted call leaves a hidden part beside it, and the next one resumes from there.

    The part is used if the server says that the file is still the same one (``If-Range``, RFC 9110 section 13.1.5).

    Args:
        client: Who asks.
        url: Of the file.
        file: Where it goes; what was there before is replaced at one instant.
        on_progress: Told how it goes.

    Raises:
        UnsafeUrlError: If the URL, or one it redirects to, is none that i2i asks.
        UnreachableError: If the server does not give the whole file, in all tries.
        NetworkError: If the server refuses, or gives something that is no file.
        OutputError: If the file cannot be written, or the disk is full.
    """
    make_folder(file.parent)
    part = _Part(file, url)
    tried, most = 0, part.size
    while True:
        try:
            with client.stream(url, part.condition(), endless=True) as answer:
                part.take(answer, on_progress)
            break
        except UnreachableError as error:
            tried = 1 if part.size >= most + ENOUGH else tried + 1
            most = max(most, part.size)
            if not client.retry.again(tried, error.problem, error.headers):
                raise
    part.become(file)


class _Part:
    """What has come of a file so far, and by what the server knows that file."""

    def __init__(self, file: Path, url: str) -> None:
        self._path = file.with_name(f".{file.name}.part")
        self._note = file.with_name(f".{file.name}.part.json")
        self._url = url

    @property
    def size(self) -> int:
        return self._path.stat().st_size if self._path.is_file() else 0

    @property
    def _validator(self) -> str | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = safe_json.load(self._note.read_bytes())
            return str(note["validator"]) if note["url"] == self._url and note["validator"] else None
        return None

    def condition(self) -> dict[str, str]:
        """Return headers that ask for the rest, if it is certain to be of the same file."""
        if self.size and (validator := self._validator):
            return {"Range": f"bytes={self.size}-", "If-Range": validator}
        self._drop()
        return {}

    def take(self, answer: Answer, on_progress: Progress) -> None:
        """Write the body of an answer behind the part, or in its place."""
        if answer.status in BUSY:
            raise UnreachableError(f"{answer.url} answers {answer.status}", headers=answer.headers)
        if answer.status == 416 or (answer.status == 206 and not self._continued_by(answer)):
            self._drop()
            raise UnreachableError(f"{answer.url} has changed while it was fetched", "Run the same command again.")
        if answer.status not in (200, 206):
            raise NetworkError(f"{answer.url} answers {answer.status}. Is the address right?")
        if not answer.is_delimited:
            raise NetworkError(f"{answer.url} does not say where the file ends. Take it from another server.")
        done = self.size if answer.status == 206 else 0
        total = None if answer.length is None else done + answer.length
        note = {"url": self._url, "validator": _validator_of(answer.headers)}
        write_atomically(self._note, json.dumps(note).encode())
        on_progress(done, total)
        try:
            file = self._path.open("ab" if done else "wb")
        except OSError as error:
            raise cannot_write(self._path, error) from error
        with file:
            for data in answer.chunks(MAX_BYTES - done):
                try:
                    file.write(data)
                    file.flush()
                except OSError as error:
                    raise cannot_write(self._path, error, len(data)) from error
                done += len(data)
                on_progress(done, total)

    def _continued_by(self, answer: Answer) -> bool:
        """Tell whether an answer goes on where the part ends, in the same file: some servers know no ``If-Range``."""
        place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("content-range", "").strip(), re.ASCII)
        now = _validator_of(answer.headers)
        return place is not None and int(place[1]) == self.size > 0 and now in (None, self._validator)

    def become(self, file: Path) -> None:
        """Turn into the file, at one instant."""
        try:
            with self._path.open("rb") as stream:
                os.fsync(stream.fileno())
            self._path.replace(file)
            self._note.unlink(missing_ok=True)
            sync_folder(file.parent)
        except OSError as error:
            raise cannot_write(file, error) from error

    def _drop(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _validator_of(headers: Mapping[str, str]) -> str | None:
    """Return by what a server knows this version of a file: a strong ETag, else the date of its last change."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified")
