"""Uploading a dataset: every file as it is here, ``dataset.yaml`` last, so that half of one is never taken for one."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from i2i.errors import DataError, OutputError, UsageError
from i2i.files import cannot_write
from i2i.plugins import describe
from i2i.preparation.listing import WEB, remote

CARD = "dataset.yaml"
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
    if url.startswith(WEB):
        raise UsageError(f"Nothing can be written to {url!r}. Give a bucket, such as s3://bucket/folder, or a folder.")
    upload = _Upload(folder, url)
    try:
        upload.run(overwrite, on_progress)
    except (DataError, OutputError, UsageError):
        raise
    except Exception as error:  # every store has errors of its own
        reason = describe(error)
        raise OutputError(f"{url!r} cannot be written: {reason}. The same command goes on from here.") from error


class _Upload:
    """One upload; what has been compared or uploaded is noted beside the dataset, not in it.

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

    def run(self, overwrite: bool, on_progress: Callable[[int, int], None]) -> None:
        here = {path.relative_to(self.folder).as_posix(): path for path in _files(self.folder)}
        there = self._sizes()
        noted = self._noted()
        if CARD in there and self._is_there(CARD, here[CARD], there, {}) and here.keys() == there.keys():
            on_progress(len(here), len(here))
            return
        foreign = sorted(there.keys() - here.keys())
        if not overwrite and (foreign or CARD in there):
            raise UsageError(
                f"{self.url!r} holds something else, such as {(foreign or [CARD])[0]!r}. "
                "Give another place, or replace what is there with --overwrite."
            )
        if CARD in there:  # from here on, what is there is no dataset
            self.files.rm_file(f"{self.root}/{CARD}")
        todo = {name: path for name, path in here.items() if name != CARD}
        self._send_all(todo, there, noted, len(here), on_progress)
        for name in foreign:
            self.files.rm_file(f"{self.root}/{name}")
        self._send(CARD, here[CARD])
        on_progress(len(here), len(here))
        self.notes.unlink(missing_ok=True)

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

        try:
            with ThreadPoolExecutor(CONNECTIONS) as pool, self.notes.open("a", encoding="utf-8") as notes:
                futures = [pool.submit(send, name) for name in todo]
                try:
                    for done, future in enumerate(as_completed(futures), start=1):
                        name = future.result()
                        notes.write(f"\n{json.dumps({'file': name, 'sha256': _sha256(todo[name])})}\n")
                        notes.flush()
                        on_progress(done, total)
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
        except OSError as error:
            raise error if isinstance(error, OutputError) else cannot_write(self.notes, error) from error

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
        ours = _sha256(path)
        return noted.get(name) == ours or hashlib.sha256(self.files.cat_file(f"{self.root}/{name}")).hexdigest() == ours

    def _sizes(self) -> dict[str, int]:
        try:
            found = self.files.find(self.root, detail=True)
        except FileNotFoundError:
            return {}
        return {path[len(self.root) :].lstrip("/"): int(details["size"]) for path, details in found.items()}

    def _noted(self) -> dict[str, str]:
        noted = {}
        lines = self.notes.read_text("utf-8").splitlines() if self.notes.exists() else []
        for line in lines:
            try:
                data = json.loads(line)
            except ValueError:  # cut off by a kill
                continue
            noted[data["file"]] = data["sha256"]
        return noted


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
