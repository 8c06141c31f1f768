"""Sets that the ``datasets`` library opens: ``hf://USER/NAME[@REVISION][/CONFIG]``, and what ``save_to_disk`` wrote.

The library is asked without its bars, and its errors are one line.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from i2i.data.tables.table import Splits
from i2i.errors import DataError, I2iError, MissingInputError, UsageError, suggest
from i2i.places import is_url

if TYPE_CHECKING:
    from datasets import Dataset

Answer = TypeVar("Answer")
ADDRESS = re.compile(
    r"hf://(?!datasets/|spaces/|buckets/)(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/convert/\w+|refs/pr/\d+|[^/@]+))?(?:/(?P<config>[^/@]+))?/?"
)
SAVED = ("dataset_dict.json", "dataset_info.json")
"""What ``save_to_disk`` leaves beside its Arrow files."""


class Address(NamedTuple):
    """A set that the library knows."""

    name: str
    """On the Hub, or the path of a folder."""
    revision: str | None = None
    config: str | None = None


def parse_address(root: str) -> Address | None:
    """Return the parts of an address; nothing where it is another kind of one, or a path.

    Example:
        >>> parse_address("hf://huggan/facades@main")
        Address(name='huggan/facades', revision='main', config=None)
    """
    found = ADDRESS.fullmatch(root)
    return Address(**found.groupdict()) if found else None


def is_saved(root: str) -> bool:
    """Check whether ``save_to_disk`` wrote this folder."""
    return any(Path(root, name).is_file() for name in SAVED)


def find_hub(root: str, columns: Sequence[str]) -> Splits:
    """Find a set of the Hub, which is downloaded where the cache does not have it, or one that the library saved."""
    address = parse_address(root)
    if address is None and (is_url(root) or not is_saved(root)):
        return {}
    from i2i.data.tables.arrow import ArrowTable
    from i2i.data.tables.rows import find_in_rows

    sets, layout = _open_saved(root) if address is None else _download(address)
    return find_in_rows(sets, partial(ArrowTable, columns=columns, where=root, layout=layout))


@lru_cache
def _download(address: Address) -> tuple[Mapping[str, "Dataset"], str]:
    """Load all splits, in the cache of the ``datasets`` library, and say so; nothing is decoded."""
    from datasets import load_dataset

    return dict(ask(f"hf://{address.name}", address, load_dataset)), "Hugging Face Hub"


def _open_saved(root: str) -> tuple[Mapping[str, "Dataset"], str]:
    from datasets import Dataset, load_from_disk

    with library_errors_in_a_line(root):
        saved = load_from_disk(root)
    sets = {"train": saved} if isinstance(saved, Dataset) else dict(saved)
    return sets, "datasets library, save_to_disk"


def ask(root: str, address: Address, load: Callable[..., Answer], **options: str) -> Answer:
    """Load a set by the library, in one of its configurations; no code of the set is run.

    Args:
        root: What the user called the set, for errors.
        address: The set.
        load: ``datasets.load_dataset`` and the like.
        options: For ``load``.

    Raises:
        UsageError: If the set does not have the configuration, or several and none is named.
        MissingInputError: If there is no such set.
        DataError: If it cannot be read.
    """
    with library_errors_in_a_line(root):
        try:
            return load(address.name, address.config, revision=address.revision, **options)
        except ValueError:
            _check_configuration(root, address)
            raise


def _check_configuration(root: str, address: Address) -> None:
    from datasets import get_dataset_config_names, get_dataset_default_config_name

    names = get_dataset_config_names(address.name, revision=address.revision)
    chosen = address.config or get_dataset_default_config_name(address.name, revision=address.revision)
    if chosen in names:
        return
    if chosen is None:
        raise UsageError(f"{root} has the configurations {', '.join(names)}. Name one: {root.rstrip('/')}/{names[0]}")
    there = ", ".join(names)
    raise UsageError(f"{root} has no configuration {chosen!r}.{suggest(chosen, names)} Configurations: {there}.")


@contextmanager
def library_errors_in_a_line(root: str) -> Iterator[None]:
    """Ask the library: its errors are one line, and no bar of it is drawn into a log or a pipe."""
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    _tame_bars()
    missing = (
        DatasetNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        EntryNotFoundError,
        FileNotFoundError,
    )
    try:
        yield
    except I2iError:
        raise
    except DataFilesNotFoundError as error:
        raise DataError(f"{root} holds no data that the datasets library reads. Look at its page.") from error
    except (*missing, DatasetsError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, missing) and is_url(root):
            raise MissingInputError(
                f"There is no {root}, or it is not yours to read. Check the name and the revision; for a private or "
                "gated set log in with `hf auth login`."
            ) from error
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"{root} cannot be read: {reason}.") from error


def _tame_bars() -> None:
    """Keep the bars of the libraries out of logs and pipes, and their lock within the process."""
    import datasets
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from tqdm import tqdm  # type: ignore[import-untyped]

    tqdm.set_lock(RLock())  # its own is a semaphore of the system, which a process that is killed leaves behind
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        disable_progress_bars()
