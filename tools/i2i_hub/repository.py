"""One repository on the Hub: what is in it, and how it becomes something else in one commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash, sha_fileobj

from i2i import safe_json
from i2i.errors import DataError, UsageError
from i2i_hub.card import README, Card, parse_card
from i2i_hub.client import HubError, attempt
from i2i_hub.licences import nearest

T = TypeVar("T")
RepoType = Literal["model", "dataset"]
Operation = CommitOperationAdd | CommitOperationDelete


@dataclass(frozen=True)
class State:
    """What is on the Hub at one time."""

    head: str
    """Name of the commit."""
    files: Mapping[str, str]
    """Path -> checksum: sha256 of large files, git's name of the others."""


EMPTY = State("", {})

NOTHING_IGNORED = "# all files of a push belong to it\n"
"""Stands for the repository's own .gitignore, by which the client would leave out files without a word."""


@dataclass(frozen=True)
class Change:
    """What a push makes of a repository.

    Args:
        folder: What the repository shall hold; what i2i did not put there stays.
        owned: Folders of the repository in which nothing else stays.
        title: Of the commit.
        revision: The branch; ``main`` when not given.
        proposed: Whether it is a pull request.
    """

    folder: Path
    owned: tuple[str, ...]
    title: str
    revision: str | None = None
    proposed: bool = False

    def operations(self, state: State) -> list[Operation]:
        """Return what turns a repository in this state into the folder."""
        files = {file.relative_to(self.folder).as_posix(): file for file in sorted(self.folder.rglob("*"))}
        local = {name: file for name, file in files.items() if file.is_file()}
        added = [
            CommitOperationAdd(name, file)
            for name, file in local.items()
            if name not in state.files or not is_same(file, state.files[name])
        ]
        gone = [name for name in state.files if name.startswith(self.owned) and name not in local]
        return [*added, *(CommitOperationDelete(name) for name in gone)]


class Repository:
    """A repository, which need not be there yet. Every method raises `HubError` where the Hub fails for good.

    Args:
        api: The client.
        name: USER/NAME.
        repo_type: What is in it.
    """

    def __init__(self, api: HfApi, name: str, repo_type: RepoType) -> None:
        self.api, self.name, self.repo_type = api, name, repo_type
        self.url = f"{api.endpoint}/{'datasets/' if repo_type == 'dataset' else ''}{name}"

    def ask(self, method: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a method of the client on this repository."""
        return attempt(self.name, partial(method, self.name, *arguments, repo_type=self.repo_type, **options))

    def check_private(self) -> None:
        """Refuse a repository that everybody can see, where only the account's own eyes shall.

        Raises:
            UsageError: If it is public.
        """
        if not self.ask(self.api.repo_info).private:
            raise UsageError(
                f"{self.name} is on the Hub already, and public: --private does not change that. Make it private in "
                f"its settings, {self.url}/settings, or choose another name, or leave --private away."
            )

    def check_card(self, card: Card) -> None:
        """Have the Hub check a card before anything is sent.

        Raises:
            DataError: If it refuses the card.
        """
        try:
            attempt(self.name, lambda: RepoCard(str(card)).validate(self.repo_type))
        except ValueError as error:
            complaint, meant = _complaint(str(error)), nearest(card.keys.get("license"))
            raise DataError(
                f"The Hub refuses the card: {complaint.rstrip('.')}.{meant} Mend it, or give another --licence."
            ) from None

    def look(self, revision: str | None) -> State:
        """Return what is on the Hub: at this branch, or where it would branch off."""
        if revision and not self.ask(self.api.revision_exists, revision):
            revision = None
        head = str(self.ask(self.api.repo_info, revision=revision).sha)
        return State(head, attempt(self.name, lambda: files_at(self.api, self.name, self.repo_type, head)))

    def card(self, state: State) -> Card | None:
        """Return the card there, if there is one.

        Raises:
            DataError: If it arrives damaged, or is no card.
        """
        if README not in state.files:
            return None
        for again in (False, True):  # a copy that was damaged on its way stays in the cache
            path = Path(self.ask(self.api.hf_hub_download, README, revision=state.head, force_download=again))
            if is_same(path, state.files[README]):
                return parse_card(path.read_bytes(), f"{README} of {self.name}")
        raise DataError(f"{README} of {self.name} arrives damaged: its checksum is not the Hub's. Try again later.")

    def commit(self, change: Change, before: State) -> str | None:
        """Make a change to what was looked at, in one commit or one pull request; one that is open already stays alone.

        After an answer that was lost the Hub is asked what is there before anything is done again. `upload_folder` of
        the client would send all of the commit again.

        Returns:
            The address of the commit or the pull request; None if there is nothing to do.

        Raises:
            HubError: If somebody else has changed the repository since.
        """
        operations = change.operations(before)
        if not operations:
            return None
        look = partial(self._proposed, change) if change.proposed else partial(self._arrived, change, before)
        if change.proposed and (there := attempt(self.name, look)):
            return there
        self._upload(operations, change)

        def send() -> str:
            done = self.api.create_commit(
                self.name,
                operations,
                commit_message=change.title,
                repo_type=self.repo_type,
                revision=change.revision,
                create_pr=change.proposed,
                parent_commit=None if change.proposed else before.head,
            )
            return str(done.pr_url if change.proposed else done.commit_url)

        return attempt(self.name, send, done=lambda: attempt(self.name, look))

    def _arrived(self, change: Change, before: State) -> str | None:
        """Return the address of our commit, if it is there."""
        now = self.look(change.revision)
        if now.head == before.head or change.operations(now):  # or it is somebody else's
            return None
        return f"{self.url}/commit/{now.head}"

    def _proposed(self, change: Change) -> str | None:
        """Return the address of an open pull request that makes the change."""
        discussions = self.api.get_repo_discussions(
            self.name, repo_type=self.repo_type, discussion_type="pull_request", discussion_status="open"
        )
        for number in [request.num for request in discussions if request.title == change.title]:
            if not change.operations(self.look(f"refs/pr/{number}")):
                return f"{self.url}/discussions/{number}"
        return None

    def _upload(self, operations: Sequence[Operation], change: Change) -> None:
        """Send large files, which show only with the commit."""
        additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
        try:
            self.ask(
                self.api.preupload_lfs_files,
                additions,
                revision=change.revision,
                create_pr=change.proposed,
                free_memory=False,
                gitignore_content=NOTHING_IGNORED,
            )
        except ValueError as error:  # so the client says that the Hub refuses single files
            raise HubError(f"The Hub refuses files of {self.name}: {' '.join(str(error).split())}") from error


def files_at(api: HfApi, name: str, repo_type: RepoType, head: str) -> dict[str, str]:
    """Return the files of a commit and their checksums; see `State`."""
    tree = api.list_repo_tree(name, repo_type=repo_type, recursive=True, revision=head)
    return {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in tree if isinstance(file, RepoFile)}


def is_same(file: Path, checksum: str) -> bool:
    """Return whether a file on the Hub with this checksum has this content."""
    with file.open("rb") as stream:
        return checksum == (sha_fileobj(stream).hex() if len(checksum) == 64 else git_hash(stream.read()))


def _complaint(answer: str) -> str:
    """Return what the Hub says is wrong with a card, out of its answer."""
    try:
        return "; ".join(str(error["message"]) for error in safe_json.load(answer)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.split())
