"""Pull a model from the Hub: one commit, only data, every name and every byte checked."""

from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

from i2i.errors import DataError, UsageError
from i2i.system.folders import replace_folder
from i2i.translation.exports import EXPORTS
from i2i.translation.model import CONFIG
from i2i.translation.parts import load_model
from i2i_hub.card import README, SAMPLES
from i2i_hub.client import attempt, check_name, connect
from i2i_hub.download import download, list_files

WANTED = [CONFIG, "*.safetensors", README, f"{SAMPLES}/*.png", f"{EXPORTS}/*"]
"""What a model is made of. Nothing else of a repository is fetched. An export is opened by who asks for it alone."""


def fetch(repository: str, revision: str | None = None) -> Path:
    """Fetch a model into the cache, checked, and return its folder there.

    Where the Hub is switched off (``HF_HUB_OFFLINE``) or out of reach, what is in the cache is taken; only the weights
    can be checked then, on loading.

    Raises:
        UsageError: If this is no name of a repository.
        HubError: If it is not there, or cannot be fetched.
        DataError: If what arrives is not what is on the Hub, or no model of i2i, or has names that could do harm.
    """
    return attempt(repository, partial(_fetch_once, connect(), check_name(repository), revision))


def _fetch_once(api: HfApi, repository: str, revision: str | None) -> Path:
    found = api.resolve_revision(repository, revision=revision)
    try:
        listed = list_files(api, repository, "model", found.resolved)
    except (httpx2.TransportError, OfflineModeIsEnabled) as error:
        try:
            return Path(api.snapshot_download(repository, revision=found, allow_patterns=WANTED, local_files_only=True))
        except LocalEntryNotFoundError as missing:
            raise missing from error
    if CONFIG not in listed:
        raise DataError(f"{repository} is not a model of i2i: it has no {CONFIG}.")
    files = {name: checksum for name, checksum in listed.items() if _is_wanted(name)}
    return download(api, repository, "model", found.resolved, files)


def _is_wanted(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in WANTED)


def pull(repository: str, folder: Path, revision: str | None = None) -> list[str]:
    """Copy a model from the Hub into a folder, which appears whole or not at all.

    Returns:
        Names of its files.

    Raises:
        UsageError: If the folder holds something.
        I2iError: See `fetch`; also if the model cannot be loaded here.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already. Give a new folder.")
    cached = fetch(repository, revision)
    load_model(cached)
    there = sorted(file.relative_to(cached).as_posix() for file in cached.rglob("*") if file.is_file())
    names = [name for name in there if _is_wanted(name)]  # another program may have fetched more
    replace_folder(folder, ((name, (cached / name).read_bytes()) for name in names))
    return names
