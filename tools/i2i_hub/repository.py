"""One repository on the Hub: what is in it, and how it becomes something else in one commit."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, DatasetCard, HfApi, ModelCard
from huggingface_hub.hf_api import RepoFile

from i2i.errors import DataError, UsageError
from i2i.system import safe_json
from i2i_hub.card import CARD, Card, parse
from i2i_hub.client import HubError, attempt
from i2i_hub.licences import nearest

Kind = Literal["model", "dataset"]
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


class Repository:
    """A repository, which need not be there yet. Every method raises `HubError` where the Hub fails for good.

    Args:
        api: The client.
        name: USER/NAME.
        kind: What is in it.
    """

    def __init__(self, api: HfApi, name: str, kind: Kind) -> None:
        self.api, self.name, self.kind = api, name, kind
        self.url = f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{name}"

    def exists(self) -> bool:
        """Whether it is there and this account may see it."""
        return attempt(self.name, lambda: self.api.repo_exists(self.name, repo_type=self.kind))

    def check_private(self) -> None:
        """Refuse a repository that everybody can see, where only the account's own eyes shall.

        Raises:
            UsageError: If it is public.
        """
        info = attempt(self.name, lambda: self.api.repo_info(self.name, repo_type=self.kind))
        if not info.private:
            raise UsageError(
                f"{self.name} is on the Hub already, and public: --private does not change that. Make it private in "
                f"its settings, {self.url}/settings, or choose another name, or leave --private away."
            )

    def create(self, private: bool) -> None:
        """Make it."""
        attempt(
            self.name,
            lambda: self.api.create_repo(self.name, repo_type=self.kind, private=private or None, exist_ok=True),
        )

    def branch(self, revision: str) -> None:
        """Make a branch, where it is missing."""
        attempt(
            self.name,
            lambda: self.api.create_branch(self.name, branch=revision, repo_type=self.kind, exist_ok=True),
        )

    def check_writable(self) -> None:
        """Refuse what the account may not write to."""
        attempt(self.name, lambda: self.api.auth_check(self.name, repo_type=self.kind, write=True))

    def check_card(self, card: Card) -> None:
        """Have the Hub check a card before anything is sent.

        Raises:
            DataError: If it refuses the card.
        """
        checker = DatasetCard if self.kind == "dataset" else ModelCard
        try:
            attempt(self.name, lambda: checker(str(card)).validate())
        except ValueError as error:
            complaint = _complaint(str(error))
            meant = nearest(card.keys.get("license"))
            raise DataError(
                f"The Hub refuses the card: {complaint.rstrip('.')}.{meant} Mend it, or give another --licence."
            ) from None

    def look(self, revision: str | None) -> State:
        """What is on the Hub: at this branch, or where it would branch off."""
        if revision and not self._has(revision):
            revision = None
        info = attempt(self.name, lambda: self.api.repo_info(self.name, repo_type=self.kind, revision=revision))
        head = str(info.sha)
        return State(head, attempt(self.name, lambda: files_at(self.api, self.name, self.kind, head)))

    def _has(self, revision: str) -> bool:
        return attempt(self.name, lambda: self.api.revision_exists(self.name, revision, repo_type=self.kind))

    def card(self, state: State) -> Card | None:
        """The card there, if there is one.

        Raises:
            DataError: If it arrives damaged, or is no card.
        """
        if CARD not in state.files:
            return None
        for again in (False, True):  # a copy that was damaged on its way stays in the cache
            path = attempt(self.name, partial(self._fetch_card, state.head, again))
            if is_same(path, state.files[CARD]):
                return parse(path.read_bytes(), f"{CARD} of {self.name}")
        raise DataError(f"{CARD} of {self.name} arrives damaged: its checksum is not the Hub's. Try again later.")

    def _fetch_card(self, head: str, again: bool) -> Path:
        path = self.api.hf_hub_download(self.name, CARD, repo_type=self.kind, revision=head, force_download=again)
        return Path(path)

    def commit(
        self, folder: Path, before: State, owned: tuple[str, ...], *, title: str, revision: str | None
    ) -> str | None:
        """Turn what was looked at into the folder, in one commit.

        After an answer that was lost the Hub is asked what is there before anything is done again.

        Args:
            folder: What the repository shall hold; what i2i did not put there stays.
            before: What is there.
            owned: Folders in which nothing else stays.
            title: Of the commit.
            revision: The branch; ``main`` when not given.

        Returns:
            The address of the commit; None if there is nothing to do.

        Raises:
            HubError: If somebody else has changed the repository since.
        """
        operations = changes(folder, before, owned)
        if not operations:
            return None
        self._upload(operations, revision, proposed=False)

        def send() -> str:
            return self.api.create_commit(
                self.name,
                operations,
                commit_message=title,
                repo_type=self.kind,
                revision=revision,
                parent_commit=before.head,
            ).commit_url

        def arrived() -> str | None:
            now = self.look(revision)
            if now.head == before.head or changes(folder, now, owned):  # or it is somebody else's
                return None
            return f"{self.url}/commit/{now.head}"

        return attempt(self.name, send, done=arrived)

    def propose(self, folder: Path, before: State, owned: tuple[str, ...], *, title: str) -> str | None:
        """Open a pull request that turns the repository into the folder, unless one does so already.

        Args:
            folder: See `commit`.
            before: See `commit`.
            owned: See `commit`.
            title: Of the pull request.

        Returns:
            The address of the pull request; None if there is nothing to do.
        """
        operations = changes(folder, before, owned)
        if not operations:
            return None

        def send() -> str:
            done = self.api.create_commit(
                self.name, operations, commit_message=title, repo_type=self.kind, create_pr=True
            )
            return str(done.pr_url)

        def proposed() -> str | None:
            discussions = self.api.get_repo_discussions(
                self.name, repo_type=self.kind, discussion_type="pull_request", discussion_status="open"
            )
            for number in [request.num for request in discussions if request.title == title]:
                if not changes(folder, self.look(f"refs/pr/{number}"), owned):
                    return f"{self.url}/discussions/{number}"
            return None

        def look() -> str | None:
            return attempt(self.name, proposed)

        if there := look():
            return there
        self._upload(operations, None, proposed=True)
        return attempt(self.name, send, done=look)

    def _upload(self, operations: Sequence[Operation], revision: str | None, *, proposed: bool) -> None:
        """Send large files, which show only with the commit."""
        additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
        send = partial(self.api.preupload_lfs_files, self.name, additions, repo_type=self.kind, revision=revision)
        try:
            attempt(
                self.name,
                lambda: send(create_pr=proposed, free_memory=False, gitignore_content=NOTHING_IGNORED),
            )
        except ValueError as error:  # so the client says that the Hub refuses single files
            raise HubError(f"The Hub refuses files of {self.name}: {' '.join(str(error).split())}") from error


def changes(folder: Path, state: State, owned: tuple[str, ...]) -> list[Operation]:
    """What turns a repository in this state into the folder; see `Repository.commit`."""
    local = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    added = [
        CommitOperationAdd(name, file) for name, file in local.items() if not is_same(file, state.files.get(name, ""))
    ]
    gone = [name for name in state.files if name.startswith(owned) and name not in local]
    return [*added, *(CommitOperationDelete(name) for name in gone)]


def files_at(api: HfApi, name: str, kind: Kind, head: str) -> dict[str, str]:
    """Files of a commit and their checksums; see `State`."""
    tree = api.list_repo_tree(name, repo_type=kind, recursive=True, revision=head)
    return {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in tree if isinstance(file, RepoFile)}


def is_same(file: Path, checksum: str) -> bool:
    """Whether a file on the Hub with this checksum has this content."""
    if not checksum:
        return False
    digest = hashlib.sha256() if len(checksum) == 64 else hashlib.sha1(b"blob %d\0" % file.stat().st_size)
    with file.open("rb") as stream:
        while chunk := stream.read(2**20):
            digest.update(chunk)
    return digest.hexdigest() == checksum


def _complaint(answer: str) -> str:
    """What the Hub says is wrong with a card, out of its answer."""
    try:
        return "; ".join(str(error["message"]) for error in safe_json.load(answer)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.split())
