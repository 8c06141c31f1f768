"""Publish a folder: everything is checked before anything is sent, and all of it appears in one commit."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard

from i2i import safe_json
from i2i.errors import DataError, UsageError
from i2i_hub.card import DATA, README, SAMPLES, Card, check_licence, merge_cards, nearest_licence, parse_card
from i2i_hub.client import HubAwayError, HubError, RepoType, attempt, check_name, connect
from i2i_hub.download import download, is_same, list_files

T = TypeVar("T")

OWNED: Mapping[RepoType, tuple[str, ...]] = {"model": (f"{SAMPLES}/",), "dataset": (f"{SAMPLES}/", f"{DATA}/")}
"""Folders of a repository in which nothing stays that is not pushed."""

NOTHING_IGNORED = "# all files of a push belong to it\n"
"""Stands for the repository's own .gitignore, by which the client would leave out files without a word."""


@dataclass(frozen=True)
class Push:
    """What the user wants with a repository.

    Args:
        name: USER/NAME.
        repo_type: What is in it.
        keys: Front matter that the user gave, such as the licence as the Hub spells it.
        private: Only for the account's own eyes: a public repository is refused.
        revision: Branch to write to, made where it is missing; ``main`` when not given.
        create_pr: Propose the change as a pull request instead of making it.
        message: Title of the commit.
    """

    name: str
    repo_type: RepoType
    keys: Mapping[str, Any]
    private: bool = False
    revision: str | None = None
    create_pr: bool = False
    message: str | None = None


Assemble = Callable[[Path, str, Mapping[str, Any]], tuple[Card, str]]
"""Puts files into an empty folder, given the repository's name and further keys of the card; returns card and title."""


class State(NamedTuple):
    """What is on the Hub at one time: the name of the commit, and its files with their checksums."""

    head: str
    files: Mapping[str, str]


def publish(push: Push, assemble: Assemble) -> tuple[str, bool, dict[str, int]]:
    """Make the repository hold what is assembled.

    Returns:
        The address of the commit, or of the repository if there was nothing new; whether there was; and the files with
        their bytes.

    Raises:
        UsageError: If the name, the licence or the combination of options is wrong, or the repository is public and
            shall be private.
        AccessError: If nobody is logged in, or the account may not write there.
        HubError: If the Hub cannot be reached or refuses; nothing is then published, or all of it.
        I2iError: If what is to be published is not sound.
    """
    check_name(push.name)
    if push.create_pr and push.revision:
        raise UsageError("A pull request goes to the main branch. Leave out --revision, or --create-pr.")
    api = connect()
    repository = _Repository(api, push)
    attempt(push.name, api.whoami)
    exists = repository.ask(api.repo_exists)
    if exists and not push.create_pr:
        repository.ask(api.auth_check, write=True)
    if exists and push.private:
        repository.check_private()
    if licence := push.keys.get("license"):
        repository.check_card(Card({"license": licence}, ""))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ours, title = assemble(folder, push.name, push.keys)
        if not exists:
            repository.check_card(ours)
            repository.ask(api.create_repo, private=push.private or None, exist_ok=True)
            if push.private:  # somebody else may have been quicker
                repository.check_private()
        state = attempt(push.name, repository.look)
        card = merge_cards(ours, repository.read_card(state), said=frozenset(push.keys))
        repository.check_card(card)
        (folder / README).write_text(str(card), encoding="utf-8")
        if push.revision:
            repository.ask(api.create_branch, branch=push.revision, exist_ok=True)
        place = repository.commit(folder, push.message or title, state)
        return place or repository.url, place is not None, sizes_of(folder)


def dry_run(push: Push, assemble: Assemble, folder: Path) -> dict[str, int]:
    """Write the folder that would be published, whole or not at all; asks the Hub nothing.

    Returns:
        The files, and their bytes.

    Raises:
        I2iError: If there is nothing sound to publish, no licence or an unknown one, or the folder is not empty.
    """
    check_name(push.name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty. Remove it, or give another folder.")
    try:
        check_licence(push.keys.get("license"))
        card, _ = assemble(folder, push.name, push.keys)
        check_licence(card.licence)
        (folder / README).write_text(str(card), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return sizes_of(folder)


def sizes_of(folder: Path) -> dict[str, int]:
    """Return the files below a folder, and their bytes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}


class _Repository:
    """A repository, which need not be there yet. Every method raises `HubError` where the Hub fails for good."""

    def __init__(self, api: HfApi, push: Push) -> None:
        self.api, self.push = api, push
        self.url = f"{api.endpoint}/{'datasets/' if push.repo_type == 'dataset' else ''}{push.name}"

    def ask(self, method: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a method of the client on this repository."""
        name, repo_type = self.push.name, self.push.repo_type
        return attempt(name, partial(method, name, *arguments, repo_type=repo_type, **options))

    def check_private(self) -> None:
        """Refuse a repository that everybody can see, where only the account's own eyes shall.

        Raises:
            UsageError: If it is public.
        """
        if not self.ask(self.api.repo_info).private:
            raise UsageError(
                f"{self.push.name} is on the Hub already, and public: --private does not change that. Make it private "
                f"in its settings, {self.url}/settings, or choose another name, or leave --private away."
            )

    def check_card(self, card: Card) -> None:
        """Have the Hub check a card before anything is sent.

        Raises:
            UsageError: If it has no licence.
            DataError: If it refuses the card.
        """
        licence = card.licence
        try:
            attempt(self.push.name, lambda: RepoCard(str(card)).validate(self.push.repo_type))
        except ValueError as error:
            raise DataError(
                f"The Hub refuses the card: {_complaint(str(error)).rstrip('.')}.{nearest_licence(licence)} Mend it, "
                "or give another --licence."
            ) from None

    def look(self) -> State:
        """Return what is on the Hub: at this branch, or where it would branch off."""
        name, repo_type, revision = self.push.name, self.push.repo_type, self.push.revision
        if revision and not self.api.revision_exists(name, revision, repo_type=repo_type):
            revision = None
        head = str(self.api.repo_info(name, repo_type=repo_type, revision=revision).sha)
        return State(head, list_files(self.api, name, repo_type, head))

    def read_card(self, state: State) -> Card | None:
        """Return the card there, if there is one.

        Raises:
            DataError: If it arrives damaged, or is no card.
        """
        if README not in state.files:
            return None
        name, repo_type = self.push.name, self.push.repo_type
        wanted = {README: state.files[README]}
        folder = attempt(name, lambda: download(self.api, name, repo_type, state.head, wanted))
        return parse_card((folder / README).read_bytes(), f"{README} of {name}")

    def commit(self, folder: Path, title: str, before: State) -> str | None:
        """Turn what was looked at into the folder, in one commit or one pull request.

        After an answer that was lost the Hub is asked what is there before anything is done again. `upload_folder` of
        the client would obey the repository's .gitignore.

        Returns:
            The address of the commit or the pull request; None if there is nothing to do.

        Raises:
            HubError: If somebody else has changed the repository since.
        """
        wish, name, sent = self.push, self.push.name, False
        where: Any = {"repo_type": wish.repo_type, "revision": wish.revision, "create_pr": wish.create_pr}

        def send() -> str | None:
            nonlocal sent
            if sent and wish.create_pr:
                raise HubError(f"Whether the pull request is open is not known. Look at {self.url}/discussions.")
            now = self.look() if sent else before
            operations = _operations(folder, now, OWNED[wish.repo_type])
            if not operations:
                return f"{self.url}/commit/{now.head}" if sent else None
            additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
            self.api.preupload_lfs_files(name, additions, free_memory=False, gitignore_content=NOTHING_IGNORED, **where)
            sent = True
            parent = None if wish.create_pr else before.head
            done = self.api.create_commit(name, operations, commit_message=title, parent_commit=parent, **where)
            return str(done.pr_url if wish.create_pr else done.commit_url)

        try:
            return attempt(name, send)
        except ValueError as error:  # so the client says that the Hub refuses single files
            raise HubError(f"The Hub refuses files of {name}: {' '.join(str(error).split())}") from error
        except HubAwayError as error:
            unknown = " Whether the files have arrived is not known: repeat the command." if sent else ""
            raise HubError(f"{error}{unknown}") from error


def _operations(folder: Path, state: State, owned: tuple[str, ...]) -> list[CommitOperationAdd | CommitOperationDelete]:
    """Return what turns a repository in this state into the folder; what i2i did not put there stays."""
    local = {name: folder / name for name in sizes_of(folder)}
    added = [
        CommitOperationAdd(name, file)
        for name, file in local.items()
        if name not in state.files or not is_same(file, state.files[name])
    ]
    gone = [name for name in state.files if name.startswith(owned) and name not in local]
    return [*added, *(CommitOperationDelete(name) for name in gone)]


def _complaint(answer: str) -> str:
    """Return what the Hub says is wrong with a card, out of its answer."""
    try:
        return "; ".join(str(error["message"]) for error in safe_json.load(answer)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.split())
