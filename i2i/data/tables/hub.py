"""Sets of the Hugging Face Hub, ``hf://USER/NAME[@REVISION][/CONFIG]``, and those that ``save_to_disk`` wrote."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from i2i.data.tables import shards
from i2i.data.tables.contract import Table
from i2i.errors import DataError, MissingInputError, UsageError

if TYPE_CHECKING:
    from datasets import Dataset

ADDRESS = re.compile(
    r"hf://(?!datasets/|spaces/|buckets/)(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/convert/\w+|refs/pr/\d+|[^/@]+))?(?:/(?P<config>[^/@]+))?/?"
)
CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps its own conversion of each set to Parquet."""


class Address(NamedTuple):
    """A set on the Hub."""

    name: str
    revision: str | None
    config: str | None


def parse(root: str) -> Address | None:
    """The parts of an address; nothing where it is another kind of one, or a path.

    Example:
        >>> parse("hf://huggan/facades@main")
        Address(name='huggan/facades', revision='main', config=None)
    """
    found = ADDRESS.fullmatch(root)
    return Address(**found.groupdict()) if found else None


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.contract.Layout`. A set on the Hub is downloaded, where the cache does not have it."""
    if (address := parse(root)) is not None:
        return list(_downloaded(address))
    if shards.is_url(root):
        return []
    saved = [Path(root) / name for name in ("dataset_dict.json", "dataset_info.json")]
    return list(_saved(root)) if any(path.is_file() for path in saved) else []


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.contract.Layout`."""
    from i2i.data.tables.arrow import ArrowTable

    address = parse(root)
    if address is None:
        return ArrowTable(_saved(root)[split], columns, where=root, layout="datasets library, save_to_disk")
    return ArrowTable(_downloaded(address)[split], columns, where=root, layout="Hugging Face Hub")


def streamed(root: str) -> str:
    """The address of the Parquet files of a set on the Hub, to be read without downloading it: its own, or the Hub's.

    Args:
        root: Address of a set.

    Raises:
        UsageError: If it is no set on the Hub, or there are several configurations and none is named.
        MissingInputError: If the Hub has no such set.
        DataError: If there are no Parquet files, or the Hub cannot be reached.
    """
    if (address := parse(root)) is None:
        raise UsageError(f"{root!r} cannot be streamed. Write hf://USER/NAME, or leave dataset.streaming away.")
    from huggingface_hub import HfFileSystem
    from huggingface_hub.errors import EntryNotFoundError

    _tame_bars()
    fs = HfFileSystem()
    for revision in (address.revision or "main", *([] if address.revision else [CONVERTED])):
        base = f"datasets/{address.name}@{revision}"
        with _explained(root):
            try:
                found = fs.find(base)
            except (FileNotFoundError, EntryNotFoundError):
                if revision == CONVERTED:
                    break
                raise
        files = [file.removeprefix(f"{base}/") for file in found if file.endswith(".parquet")]
        if files:
            return f"hf://{base}{_folder(address, files)}"
    raise DataError(f"{root} has no Parquet files to stream. Leave dataset.streaming away.")


def _folder(address: Address, files: Sequence[str]) -> str:
    """The folder of the configuration, where each has one of its own."""
    folders = sorted({file.split("/")[0] for file in files if "/" in file})
    if address.config in folders:
        return f"/{address.config}"
    if address.config is None and len(folders) <= 1:
        return ""
    raise UsageError(
        f"hf://{address.name} has the configurations {', '.join(folders) or '(none)'}. "
        f"Name one: hf://{address.name}/{folders[0] if folders else ''}"
    )


@lru_cache
def _downloaded(address: Address) -> Mapping[str, "Dataset"]:
    """All splits, in the cache of the ``datasets`` library; nothing is decoded and no code of the set is run."""
    from datasets import load_dataset

    _tame_bars()
    with _explained(f"hf://{address.name}"):
        return dict(load_dataset(address.name, address.config, revision=address.revision))


def _saved(root: str) -> Mapping[str, "Dataset"]:
    from datasets import Dataset, load_from_disk

    _tame_bars()
    with _explained(root):
        saved = load_from_disk(root)
    return {"train": saved} if isinstance(saved, Dataset) else dict(saved)


def _tame_bars() -> None:
    """Keep the bars of the libraries out of logs and pipes, and their lock within the process."""
    import datasets
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from tqdm import tqdm  # type: ignore[import-untyped]

    tqdm.set_lock(RLock())  # its own is a semaphore of the system, which a process that is killed leaves behind
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        disable_progress_bars()


@contextmanager
def _explained(root: str) -> Iterator[None]:
    """Errors of the libraries as one line."""
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    missing = (
        DatasetNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        EntryNotFoundError,
        FileNotFoundError,
    )
    try:
        yield
    except DataFilesNotFoundError as error:
        raise DataError(f"{root} holds no data that the datasets library reads. Look at its page.") from error
    except missing as error:
        raise MissingInputError(
            f"There is no {root}, or it is not yours to read. Check the name and the revision; for a private or gated "
            "set log in with `hf auth login`."
        ) from error
    except (DatasetsError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"{root} cannot be read: {reason}.") from error
