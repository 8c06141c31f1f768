"""Publish a folder: everything is checked before anything is sent, and all of it appears in one commit."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from i2i.errors import UsageError
from i2i_hub.card import README, Card, merge_cards
from i2i_hub.client import attempt, changed_meanwhile, check_name, connect
from i2i_hub.licences import check_licence
from i2i_hub.repository import EMPTY, Change, Repository, RepoType

SAMPLES = "samples"
"""The folder of a repository with pictures for its card."""


class Publication(NamedTuple):
    """What goes beside the card, and what the card says."""

    card: Card
    title: str
    """Of the commit, when the user gives none."""
    remarks: Sequence[str] = ()
    """What is missing from it, or comes from where one would not look for it."""


Assemble = Callable[[Path, str, Mapping[str, Any]], Publication]
"""Puts the files into an empty folder, given the repository's name and further keys of the card."""


@dataclass(frozen=True)
class PushOptions:
    """What the user wants with a repository.

    Args:
        name: USER/NAME.
        keys: Front matter that the user gave, such as the licence as the Hub spells it.
        private: Only for the account's own eyes: a public repository is refused.
        revision: Branch to write to, made where it is missing; ``main`` when not given.
        create_pr: Propose the change as a pull request instead of making it.
        message: Title of the commit.
    """

    name: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False
    revision: str | None = None
    create_pr: bool = False
    message: str | None = None


Tell = Callable[[str], None]
"""Shows the user a remark."""


@dataclass(frozen=True)
class Published:
    """What came of it."""

    place: str
    """The address of the commit, of the repository if there was nothing new, or the folder of a dry run."""
    files: Mapping[str, int]
    """Name -> bytes."""
    changed: bool


def publish(
    options: PushOptions, repo_type: RepoType, owned: tuple[str, ...], assemble: Assemble, tell: Tell
) -> Published:
    """Make the repository hold what is assembled.

    Args:
        options: What the user wants.
        repo_type: What the repository is for.
        owned: Folders of the repository in which nothing else stays.
        assemble: Makes the files.
        tell: Is told what is missing or remarkable, before anything is sent.

    Raises:
        UsageError: If the name, the licence or the combination of options is wrong, or the repository is public and
            shall be private.
        AccessError: If nobody is logged in, or the account may not write there.
        HubError: If the Hub cannot be reached or refuses; nothing is then published, or all of it.
        I2iError: If what is to be published is not sound.
    """
    check_name(options.name)
    if options.create_pr and options.revision:
        raise UsageError("A pull request goes to the main branch. Leave out --revision, or --create-pr.")
    api = connect()
    repository = Repository(api, options.name, repo_type)
    attempt(options.name, api.whoami)
    exists = repository.ask(api.repo_exists)
    if exists and not options.create_pr:
        repository.ask(api.auth_check, write=True)
    if exists and options.private:
        repository.check_private()
    if licence := options.keys.get("license"):
        repository.check_card(Card({"license": licence}, ""))
    state = repository.look(options.revision) if exists else EMPTY
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        title, card = _fill(folder, options, assemble, repository.card(state), tell)
        repository.check_card(card)
        if not exists:
            repository.ask(api.create_repo, private=options.private or None, exist_ok=True)
            if options.private:  # somebody else may have been quicker
                repository.check_private()
        if options.revision:
            repository.ask(api.create_branch, branch=options.revision, exist_ok=True)
        if not exists:
            state = repository.look(options.revision)
            if README in state.files:
                raise changed_meanwhile(options.name)
        place = repository.commit(Change(folder, owned, title, options.revision, options.create_pr), state)
        return Published(place or repository.url, sizes_of(folder), place is not None)


def dry_run(options: PushOptions, folder: Path, assemble: Assemble, tell: Tell) -> Published:
    """Write the folder that would be published, whole or not at all; asks the Hub nothing.

    Raises:
        I2iError: If there is nothing sound to publish, no licence or an unknown one, or the folder is not empty.
    """
    check_name(options.name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty. Remove it, or give another folder.")
    try:
        check_licence(options.keys.get("license"))
        _, card = _fill(folder, options, assemble, None, tell)
        check_licence(card.keys["license"])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Published(str(folder), sizes_of(folder), True)


def _fill(folder: Path, options: PushOptions, assemble: Assemble, theirs: Card | None, tell: Tell) -> tuple[str, Card]:
    """Put files and card into the folder; return the title of the commit, and the card."""
    publication = assemble(folder, options.name, options.keys)
    for remark in publication.remarks:
        tell(remark)
    card = merge_cards(publication.card, theirs, said=frozenset(options.keys))
    if not card.keys.get("license"):
        raise UsageError(
            "No licence is given, so nobody may use it. Give one as the Hub spells it, such as "
            "--licence apache-2.0, cc-by-4.0, cc-by-nc-4.0, or other."
        )
    (folder / README).write_text(str(card), encoding="utf-8")
    return options.message or publication.title, card


def sizes_of(folder: Path) -> dict[str, int]:
    """Return the files below a folder, and their bytes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
