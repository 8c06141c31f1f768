"""Getting a model from the Hub: a fixed revision, only data, every byte checked."""

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from i2i.errors import DataError, UsageError
from i2i.files import replace_folder
from i2i.translation.model import CONFIG, load_model
from i2i_hub.client import FAILURES, attempt, check_name, connect, explained

WANTED = [CONFIG, "*.safetensors", "README.md", "samples/*.png"]
"""What a model is made of. Nothing else of a repository is fetched."""

ATTEMPTS = 2  # a byte that was damaged on its way is sound the second time


def fetch(repository: str, revision: str | None = None) -> Path:
    """A model's folder in the cache, checked.

    Where the Hub is switched off (``HF_HUB_OFFLINE``) or out of reach, what is in the cache is taken.

    Raises:
        UsageError: If this is no name of a repository.
        HubError: If it is not there, or cannot be fetched.
        DataError: If what arrives is not what is on the Hub, or no model of i2i.
    """
    check_name(repository)
    api = connect()
    for _ in range(ATTEMPTS):
        folder = attempt(repository, lambda: _snapshot(repository, revision))
        if not (folder / CONFIG).is_file():
            raise DataError(f"{repository} is not a model of i2i: it has no {CONFIG}.")
        damaged = _damaged(api, repository, folder)
        if not damaged:
            return folder
        for file in damaged:
            _forget(folder / file)
    raise DataError(f"{damaged[0]} of {repository} arrives damaged: its checksum is not the Hub's. Try again later.")


def _snapshot(repository: str, revision: str | None) -> Path:
    return Path(snapshot_download(repository, revision=revision, allow_patterns=WANTED, library_name="i2i"))


def _damaged(api: HfApi, repository: str, folder: Path) -> list[str]:
    """Files whose content is not what the Hub has; without the Hub only the weights can be checked, on loading."""
    try:
        found = api.verify_repo_checksums(repository, revision=folder.name, local_dir=folder)
    except HfHubHTTPError as error:
        raise explained(error, repository) from error
    except FAILURES:  # out of reach, so that what is in the cache was taken
        return []
    return [mismatch["path"] for mismatch in found.mismatches]


def _forget(file: Path) -> None:
    """Remove a file from the cache, and what the link there leads to."""
    blob = file.resolve()
    file.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


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
    names = sorted(file.relative_to(cached).as_posix() for file in cached.rglob("*") if file.is_file())
    replace_folder(folder, ((name, (cached / name).read_bytes()) for name in names))
    return names
