"""What a stand-in hub remembers: accounts, repositories, their revisions and the files of each."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["model", "dataset"]
LFS_SUFFIXES = (".safetensors", ".png", ".jpg", ".webp", ".parquet", ".tar", ".gz", ".npy", ".pth", ".onnx")


class File(NamedTuple):
    """A file of a repository."""

    data: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """The name that git gives to the blob: of an LFS file, that of its pointer."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        blob = pointer.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    def entry(self, path: str) -> dict[str, object]:
        """Of a listing."""
        lfs = {"lfs": {"oid": self.sha256, "size": len(self.data), "pointerSize": 130}} if self.lfs else {}
        return {"type": "file", "path": path, "size": len(self.data), "oid": self.oid, **lfs}


class Commit(NamedTuple):
    """One state of a repository."""

    oid: str
    parent: str
    message: str
    files: Mapping[str, File]


def commit_of(parent: str, message: str, files: Mapping[str, File]) -> Commit:
    """A commit, whose name is a function of what is in it."""
    digest = hashlib.sha1(f"{parent}\n{message}\n".encode())
    for path, file in sorted(files.items()):
        digest.update(f"{path} {file.oid}\n".encode())
    return Commit(digest.hexdigest(), parent, message, dict(files))


@dataclass
class Repository:
    """A repository: named revisions, and every commit that there ever was."""

    name: str
    kind: Kind
    private: bool = False
    gated: bool = False
    revisions: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: list[str] = field(default_factory=list)
    """Their titles."""

    def __post_init__(self) -> None:
        self.add(
            "main", commit_of("", "initial commit", {".gitattributes": File(b"*.safetensors filter=lfs\n", False)})
        )

    def add(self, revision: str, commit: Commit) -> None:
        self.commits[commit.oid] = commit
        self.revisions[revision] = commit.oid

    def at(self, revision: str) -> Commit | None:
        """The commit of a branch, a tag, a pull request or an oid."""
        return self.commits.get(self.revisions.get(revision, revision))

    def history(self, revision: str = "main") -> list[Commit]:
        """Commits of a revision, newest first."""
        commits, oid = [], self.revisions[revision]
        while oid:
            commits.append(self.commits[oid])
            oid = commits[-1].parent
        return commits

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Path -> content, without what the hub itself puts there."""
        commit = self.commits[self.revisions[revision]]
        return {path: file.data for path, file in commit.files.items() if path != ".gitattributes"}

    def open_pull_request(self, title: str) -> str:
        """Its revision, which begins where ``main`` is."""
        self.pull_requests.append(title)
        revision = f"refs/pr/{len(self.pull_requests)}"
        self.revisions[revision] = self.revisions["main"]
        return revision


@dataclass(frozen=True)
class Account:
    """Whoever has a token."""

    name: str
    role: Literal["read", "write"] = "write"
    organisations: tuple[str, ...] = ()

    def may_write(self, repository: str) -> bool:
        return self.role == "write" and repository.split("/")[0] in (self.name, *self.organisations)


class State:
    """Everything that is on the hub; tests look into it and put things there.

    Args:
        accounts: By token.
    """

    def __init__(self, accounts: Mapping[str, Account] = {}) -> None:
        self.accounts = dict(accounts)
        self.repositories: dict[tuple[Kind, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.largest: int | None = None
        """Bytes that a large file may have."""
        self.licences = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "other", "unknown", "openrail"}
        """Those that a card may have."""
        self.renamed: dict[str, str] = {}
        """Old name -> name."""

    def create(self, name: str, kind: Kind = "model", *, private: bool = False, gated: bool = False) -> Repository:
        repository = Repository(name, kind, private, gated)
        self.repositories[kind, name] = repository
        return repository

    def put(self, name: str, files: Mapping[str, bytes], kind: Kind = "model", revision: str = "main") -> Repository:
        """A repository with these files, whoever may write to it."""
        repository = self.repositories.get((kind, name)) or self.create(name, kind)
        before = repository.at(revision) or repository.commits[repository.revisions["main"]]
        added = {path: File(data, lfs=path.endswith(LFS_SUFFIXES)) for path, data in files.items()}
        repository.add(revision, commit_of(before.oid, "put", {**before.files, **added}))
        return repository

    def visible(self, kind: Kind, name: str, account: Account | None) -> Repository | None:
        """The repository, if this account may know of it."""
        repository = self.repositories.get((kind, name))
        if repository is None or not repository.private:
            return repository
        mine = account is not None and name.split("/")[0] in (account.name, *account.organisations)
        return repository if mine else None
