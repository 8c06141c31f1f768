"""Publish a folder: everything is checked before anything is sent, and all of it appears in one commit."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard

from i2i import safe_json
from i2i.errors import DataError, UsageError
from i2i_hub.card import DATA, README, SAMPLES, Card, check_licence, merge_cards, nearest_licence, parse_card
from i2i_hub.client import HubError, RepoType, attempt, check_name, connect, may_pass
from i2i_hub.download import download, list_files

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
        head = repository.find_head()
        card = merge_cards(ours, repository.read_card(head), said=frozenset(push.keys))
        repository.check_card(card)
        (folder / README).write_text(str(card), encoding="utf-8")
        if push.revision:
            repository.ask(api.create_branch, branch=push.revision, exist_ok=True)
        place = repository.commit(folder, push.message or title, head)
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

    def find_head(self) -> str:
        """Return the name of the newest commit: of this branch, or of that from which it would branch off."""
        revision = self.push.revision
        if revision and not self.ask(self.api.revision_exists, revision):
            revision = None
        return str(self.ask(self.api.repo_info, revision=revision).sha)

    def read_card(self, commit: str) -> Card | None:
        """Return the card in a commit, if there is one.

        Raises:
            DataError: If it arrives damaged, or is no card.
        """
        api, name, repo_type = self.api, self.push.name, self.push.repo_type
        listed = attempt(name, lambda: list_files(api, name, repo_type, commit))
        if README not in listed:
            return None
        folder = attempt(name, lambda: download(api, name, repo_type, commit, {README: listed[README]}))
        return parse_card((folder / README).read_bytes(), f"{README} of {name}")

    def commit(self, folder: Path, title: str, parent: str) -> str | None:
        """Make the repository hold the folder, in one commit or one pull request; what i2i did not put there stays.

        The client leaves out what is there already, also what an attempt has brought whose answer was lost. Its
        `upload_folder` would obey the repository's .gitignore.

        Returns:
            The address of the commit or the pull request; None if there is nothing to do.

        Raises:
            HubError: If somebody else has changed the repository since the parent.
        """
        api, push, files, lost = self.api, self.push, sizes_of(folder), False
        where: Any = {"repo_type": push.repo_type, "revision": push.revision}

        def send() -> str | None:
            nonlocal lost
            if lost and push.create_pr:
                raise HubError("The answer to the pull request was lost.")
            added = [CommitOperationAdd(name, folder / name) for name in files]
            listed = api.list_repo_files(push.name, **where)
            gone = [name for name in listed if name.startswith(OWNED[push.repo_type]) and name not in files]
            api.preupload_lfs_files(
                push.name,
                added,
                create_pr=push.create_pr,
                free_memory=False,
                gitignore_content=NOTHING_IGNORED,
                **where,
            )
            try:
                done = api.create_commit(
                    push.name,
                    [*added, *map(CommitOperationDelete, gone)],
                    commit_message=title,
                    create_pr=push.create_pr,
                    parent_commit=None if push.create_pr else parent,
                    **where,
                )
            except Exception as error:
                lost = lost or may_pass(error)
                raise
            changed = done.pr_url if push.create_pr else done.oid != parent
            return str(done.pr_url or done.commit_url) if changed else None

        try:
            return attempt(push.name, send)
        except ValueError as error:  # so the client says that the Hub refuses single files
            raise HubError(f"The Hub refuses files of {push.name}: {' '.join(str(error).split())}") from error
        except HubError as error:
            if not lost:
                raise
            advice = f"look at {self.url}/discussions" if push.create_pr else "repeat the command"
            raise type(error)(f"{error} Whether the files have arrived is not known: {advice}.") from error


def _complaint(answer: str) -> str:
    """Return what the Hub says is wrong with a card, out of its answer."""
    try:
        return "; ".join(str(error["message"]) for error in safe_json.load(answer)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.split())
