"""One repository on the Hub: what is in it, and how it becomes something else in one commit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, DatasetCard, HfApi, ModelCard
from huggingface_hub.hf_api import RepoFile

from i2i.errors import DataError
from i2i_hub.card import CARD, Card, parse
from i2i_hub.client import HubError, attempt

Kind = Literal["model", "dataset"]
Operation = CommitOperationAdd | CommitOperationDelete


@dataclass(frozen=True)
class State:
    """What is on the Hub at one time."""

    head: str
    """Name of the commit."""
    files: Mapping[str, str]
    """Path -> checksum: sha256 of large files, git's name of the others."""
    card: Card | None


EMPTY = State("", {}, None)


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
            raise DataError(f"The Hub refuses the card: {complaint}. Mend it, or give another --licence.") from None

    def look(self, revision: str | None) -> State:
        """What is on the Hub: at this branch, or where it would branch off."""
        if revision and not self._has(revision):
            revision = None
        info = attempt(self.name, lambda: self.api.repo_info(self.name, repo_type=self.kind, revision=revision))
        head = str(info.sha)
        tree = attempt(
            self.name,
            lambda: list(self.api.list_repo_tree(self.name, repo_type=self.kind, recursive=True, revision=head)),
        )
        files = {entry.path: _checksum(entry) for entry in tree if isinstance(entry, RepoFile)}
        return State(head, files, self._card(head) if CARD in files else None)

    def _has(self, revision: str) -> bool:
        return attempt(self.name, lambda: self.api.revision_exists(self.name, revision, repo_type=self.kind))

    def _card(self, head: str) -> Card:
        path = attempt(self.name, lambda: self.api.hf_hub_download(self.name, CARD, repo_type=self.kind, revision=head))
        return parse(Path(path).read_text(encoding="utf-8"), f"{CARD} of {self.name}")

    def commit(
        self,
        folder: Path,
        before: State,
        owned: tuple[str, ...],
        *,
        title: str,
        revision: str | None,
        create_pr: bool,
    ) -> str | None:
        """Turn what was looked at into the folder, in one commit.

        Large files are sent before it, and show only with it. After an answer that was lost the Hub is asked what is
        there before anything is done again.

        Args:
            folder: What the repository shall hold; what i2i did not put there stays.
            before: What is there.
            owned: Folders in which nothing else stays.
            title: Of the commit.
            revision: The branch; ``main`` when not given.
            create_pr: Propose it as a pull request.

        Returns:
            The address of the commit or the pull request; None if there is nothing to do.

        Raises:
            HubError: If somebody else has changed the repository since.
        """
        operations = changes(folder, before, owned)
        if not operations:
            return None

        def send() -> str:
            done = self.api.create_commit(
                self.name,
                operations,
                commit_message=title,
                repo_type=self.kind,
                revision=revision,
                create_pr=create_pr,
                parent_commit=None if create_pr else before.head,
            )
            return str(done.pr_url or done.commit_url)

        def arrived() -> str | None:
            if create_pr:
                return self._pull_request(title)
            now = self.look(revision)
            if now.head == before.head:
                return None
            if changes(folder, now, owned):
                raise HubError(f"{self.name} has changed on the Hub in the meantime. Look at it, then repeat this.")
            return f"{self.url}/commit/{now.head}"

        return attempt(self.name, send, done=arrived)

    def _pull_request(self, title: str) -> str | None:
        """The pull request of this title, if there is one: the answer to it may have been lost."""
        for discussion in self.api.get_repo_discussions(self.name, repo_type=self.kind):
            if discussion.is_pull_request and discussion.title == title:
                return f"{self.url}/discussions/{discussion.num}"
        return None


def changes(folder: Path, state: State, owned: tuple[str, ...]) -> list[Operation]:
    """What turns a repository in this state into the folder; see `Repository.commit`."""
    local = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    added = [
        CommitOperationAdd(name, file) for name, file in local.items() if not _is_same(file, state.files.get(name, ""))
    ]
    gone = [name for name in state.files if name.startswith(owned) and name not in local]
    return [*added, *(CommitOperationDelete(name) for name in gone)]


def _checksum(entry: RepoFile) -> str:
    return entry.lfs.sha256 if entry.lfs else entry.blob_id


def _is_same(file: Path, checksum: str) -> bool:
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
        return "; ".join(str(error["message"]) for error in json.loads(answer)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.split())
