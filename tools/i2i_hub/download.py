"""Download files of one commit: every name is safe on every system, every byte as the Hub has it."""

import glob
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash, sha_fileobj

from i2i.errors import DataError
from i2i.net import Names
from i2i_hub.client import RepoType


def list_files(api: HfApi, repository: str, repo_type: RepoType, commit: str) -> dict[str, str]:
    """Return the files of a commit and their checksums: sha256 of large files, git's name of the others."""
    tree = api.list_repo_tree(repository, repo_type=repo_type, recursive=True, revision=commit)
    return {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in tree if isinstance(file, RepoFile)}


def is_same(file: Path, checksum: str) -> bool:
    """Return whether a file on the Hub with this checksum has this content."""
    with file.open("rb") as stream:
        return checksum == (sha_fileobj(stream).hex() if len(checksum) == 64 else git_hash(stream.read()))


def download(
    api: HfApi,
    repository: str,
    repo_type: RepoType,
    commit: str,
    files: Mapping[str, str],
    folder: Path | None = None,
) -> Path:
    """Download files; what an interrupted call has fetched is taken. A file that arrives damaged is fetched again.

    Args:
        api: The client.
        repository: USER/NAME.
        repo_type: What is in it.
        commit: Name of the commit.
        files: Of `list_files`, those to download.
        folder: Where to; the client's cache when not given.

    Returns:
        The folder that holds them, perhaps among others.

    Raises:
        DataError: If a file has a name that leads elsewhere on some system, or always arrives damaged.
    """
    names = Names()
    for name in files:
        try:
            names.take(name)
        except ValueError as error:
            raise DataError(f"{repository} holds {error} Refused.") from None
    damaged = [*files]
    for again in (False, True):
        there = Path(
            api.snapshot_download(
                repository,
                repo_type=repo_type,
                revision=commit,
                allow_patterns=[glob.escape(name) for name in damaged],
                local_dir=folder,
                force_download=again,
            )
        )
        damaged = [name for name in damaged if not is_same(there / name, files[name])]
        if not damaged:
            return there
    raise DataError(f"{damaged[0]} of {repository} arrives damaged: its checksum is not the Hub's. Try again later.")
