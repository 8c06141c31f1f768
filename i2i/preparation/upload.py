"""Uploading a dataset: every file as it is here, ``dataset.yaml`` last, so that half of one is never taken for one."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from i2i.errors import DataError, OutputError, UsageError
from i2i.plugins import describe
from i2i.preparation.command import Command, finished_command
from i2i.preparation.folder import files_of
from i2i.preparation.listing import WEB, remote
from i2i.preparation.report import Row
from i2i.prepared import CARD, IMAGES, METADATA, REPORT
from i2i.splits import SPLITS
from i2i.system import safe_json
from i2i.system.files import cannot_write, sha256_of

CONNECTIONS = 8
"""Files that are uploaded at once."""


def work_folder(url: str, chosen: Path | None) -> Path:
    """The folder of this machine in which a dataset is made that is then uploaded.

    Args:
        url: Where it goes.
        chosen: The user's choice.
    """
    if chosen is not None:
        return Path(os.path.abspath(chosen))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "i2i" / "prepare" / hashlib.sha256(url.encode()).hexdigest()[:16]


def check_place(folder: Path, url: str, command: Command, *, overwrite: bool) -> None:
    """Find out what would be refused at the end, before anything is worked on.

    Args:
        folder: The folder of this machine in which the dataset will be made.
        url: Where it goes.
        command: What it will be.
        overwrite: Whether another dataset that is there may be replaced.

    Raises:
        UsageError: If something else is there, or nothing can be written to addresses of this kind.
        OutputError: If the store does not answer.
    """
    with _blaming(url):
        _Upload(folder, url).check(command, overwrite)


def publish(folder: Path, url: str, *, overwrite: bool = False, on_progress: Callable[[int, int], None]) -> None:
    """Upload a finished dataset; what is there already, byte for byte, is not uploaded again.

    Args:
        folder: The dataset.
        url: Where it goes.
        overwrite: Replace another dataset that is there.
        on_progress: Told how many of how many files are there.

    Raises:
        UsageError: If something else is there, or nothing can be written to addresses of this kind.
        OutputError: If the store does not take a file.
    """
    with _blaming(url):
        _Upload(folder, url).run(overwrite, on_progress)


@contextmanager
def _blaming(url: str) -> Iterator[None]:
    if url.startswith(WEB):
        raise UsageError(f"Nothing can be written to {url!r}. Give a bucket, such as s3://bucket/folder, or a folder.")
    try:
        yield
    except (DataError, OutputError, UsageError):
        raise
    except Exception as error:  # every store has errors of its own
        reason = describe(error)
        raise OutputError(f"{url!r} cannot be written: {reason}. The same command goes on from here.") from error


class _Upload:
    """One upload; what is there and ours is noted beside the dataset, not in it.

    Args:
        folder: The dataset.
        url: Where it goes.
    """

    def __init__(self, folder: Path, url: str) -> None:
        place = remote(url)
        self.files: Any = place.fs
        self.root = str(place.fs._strip_protocol(place.path)).rstrip("/")
        self.url = url
        self.folder = folder
        self.notes = folder.with_name(f"{folder.name}.uploaded.jsonl")

    def check(self, command: Command, overwrite: bool) -> None:
        there = self._sizes()
        if CARD not in there:
            # which names exactly the dataset has is known when it is made
            own = re.compile(rf"(?:{'|'.join((*SPLITS, IMAGES))})/.+|{REPORT}")
            self._refuse(name for name in there if not own.fullmatch(name))
        elif (differences := command.differences(self._made_by(), versions=False)) and not overwrite:
            raise UsageError(
                f"{self.url!r} was made with other settings: {differences}. "
                "Give another place, or replace the dataset that is there with --overwrite."
            )

    def run(self, overwrite: bool, on_progress: Callable[[int, int], None]) -> None:
        here = {path.relative_to(self.folder).as_posix(): path for path in _files(self.folder)}
        there = self._sizes()
        if CARD not in there:
            self._refuse(there.keys() - here.keys())
        elif self._is_there(CARD, here[CARD], there, {}):
            if here.keys() <= there.keys():
                on_progress(len(here), len(here))
                return
        else:
            self._replace(there, overwrite)
        noted = self._noted()
        todo = {name: path for name, path in here.items() if name != CARD}
        self._send_all(todo, there, noted, len(here), on_progress)
        for name in sorted((noted.keys() & there.keys()) - here.keys()):
            self.files.rm_file(f"{self.root}/{name}")
        self._send(CARD, here[CARD])
        on_progress(len(here), len(here))
        self.notes.unlink(missing_ok=True)

    def _refuse(self, foreign: Iterable[str]) -> None:
        # once an upload has begun here, what it does not know of stays beside it
        if (names := sorted(foreign)) and not self._noted():
            raise UsageError(
                f"{self.url!r} holds something else, such as {names[0]!r}, which is never removed. Give another place."
            )

    def _made_by(self) -> Command:
        return finished_command(self.files.cat_file(f"{self.root}/{CARD}"), f"{self.url}/{CARD}")

    def _replace(self, there: dict[str, int], overwrite: bool) -> None:
        """Note which files belong to the dataset that is there; from here on it is none."""
        self._made_by()
        if not overwrite:
            raise UsageError(f"{self.url!r} holds another dataset. Give another place, or replace it with --overwrite.")
        try:
            lines = self.files.cat_file(f"{self.root}/{REPORT}").splitlines()
            named = files_of(Row.model_validate_json(line) for line in lines)
            old = [name for name in (*named, *(f"{part}/{METADATA}" for part in (*SPLITS, IMAGES))) if name in there]
        except (FileNotFoundError, ValidationError):
            raise UsageError(
                f"{f'{self.url}/{REPORT}'!r} is missing or damaged, so that it is not known which files are the "
                "dataset's. Remove it by hand, or give another place."
            ) from None
        with self._notes() as notes:
            for name in old:
                notes.write(self._note(name, ""))
        self.files.rm_file(f"{self.root}/{CARD}")

    @contextmanager
    def _notes(self) -> Iterator[TextIO]:
        try:
            with self.notes.open("a", encoding="utf-8") as notes:
                yield notes
        except OSError as error:
            raise error if isinstance(error, OutputError) else cannot_write(self.notes, error) from error

    def _note(self, name: str, sha256: str) -> str:
        return f"\n{json.dumps({'url': self.url, 'file': name, 'sha256': sha256})}\n"

    def _send_all(
        self,
        todo: dict[str, Path],
        there: dict[str, int],
        noted: dict[str, str],
        total: int,
        on_progress: Callable[[int, int], None],
    ) -> None:
        def send(name: str) -> str:
            if not self._is_there(name, todo[name], there, noted):
                self._send(name, todo[name])
            return name

        with ThreadPoolExecutor(CONNECTIONS) as pool, self._notes() as notes:
            futures = [pool.submit(send, name) for name in todo]
            try:
                for done, future in enumerate(as_completed(futures), start=1):
                    name = future.result()
                    notes.write(self._note(name, sha256_of(todo[name])))
                    notes.flush()
                    on_progress(done, total)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _send(self, name: str, path: Path) -> None:
        target = f"{self.root}/{name}"
        try:
            self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.files.pipe_file(target, path.read_bytes())
        except Exception as error:  # every store has errors of its own
            reason = describe(error)
            raise OutputError(
                f"{name!r} cannot be uploaded to {self.url!r}: {reason}. The same command goes on from here."
            ) from error

    def _is_there(self, name: str, path: Path, there: dict[str, int], noted: dict[str, str]) -> bool:
        """Whether the same bytes are there: by size, and by a note of their checksum or their bytes themselves."""
        if there.get(name) != path.stat().st_size:
            return False
        ours = sha256_of(path)
        return noted.get(name) == ours or hashlib.sha256(self.files.cat_file(f"{self.root}/{name}")).hexdigest() == ours

    def _sizes(self) -> dict[str, int]:
        try:
            found = self.files.find(self.root, detail=True)
        except FileNotFoundError:
            return {}
        return {path[len(self.root) :].lstrip("/"): int(details["size"]) for path, details in found.items()}

    def _noted(self) -> dict[str, str]:
        """Files that are there and ours, with the checksum of what was uploaded; of an older dataset, none."""
        noted = {}
        lines = self.notes.read_text("utf-8").splitlines() if self.notes.exists() else []
        for line in lines:
            try:
                data = safe_json.load(line)
            except ValueError:  # cut off by a kill
                continue
            if data["url"] == self.url:
                noted[data["file"]] = data["sha256"]
        return noted


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
