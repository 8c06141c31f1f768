"""What a stand-in hub answers: as much of the Hub's interface as the real client asks for."""

import base64
import json
import re
from collections.abc import Callable
from email.message import Message
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from hub_state import LFS_SUFFIXES, Account, Commit, File, Kind, Repository, commit_of

if TYPE_CHECKING:
    from hub import Hub


class Answer(NamedTuple):
    """An answer of the hub."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):  # noqa: N818
    """An answer that says no, or where else."""

    def __init__(self, status: int, message: str, code: str = "", location: str = "", **more: str) -> None:
        super().__init__(message)
        named = {"X-Error-Message": message, "X-Error-Code": code, "Location": location}
        headers = [(name, value) for name, value in named.items() if value]
        self.answer = _json({"error": message, **more}, status, *headers)


def _json(content: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(content).encode(), (("Content-Type", "application/json"), *headers))


class Request(NamedTuple):
    """What a client asks for."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def place(self) -> str:
        """The path without the question behind it."""
        return unquote(urlsplit(self.path).path)


class Asked(NamedTuple):
    """A request, where and by whom."""

    hub: "Hub"
    account: Account | None
    request: Request

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.request.path).query, keep_blank_values=True)

    def repository(self, kind: str, name: str, *, write: bool = False) -> Repository:
        if name in self.hub.state.renamed:
            path = self.request.path.replace(f"/{name}", f"/{self.hub.state.renamed[name]}", 1)
            raise Refused(307, f"Moved to {path}", location=self.hub.url + path)
        found = self.hub.state.visible(_kind(kind), name, self.account)
        if found is None:
            # the Hub does not tell strangers which private repositories there are
            raise Refused(404 if self.account else 401, "Repository not found", "RepoNotFound")
        if found.gated and not (self.account and self.account.may_write(name)):
            raise Refused(403, "Access to this repository is restricted.", "GatedRepo")
        if write and self.account is None:
            raise Refused(401, "Log in to write.")
        if write and self.account is not None and not self.account.may_write(name):
            raise Refused(403, "You don't have the rights to write to this repository.")
        return found

    def commit(self, repository: Repository, revision: str) -> Commit:
        commit = repository.at(revision)
        if commit is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit


def _kind(text: str | None) -> Kind:
    return "dataset" if text and text.startswith("dataset") else "model"


def whoami(asked: Asked) -> Answer:
    if asked.account is None:
        raise Refused(401, "Invalid username or password.")
    account = asked.account
    organisations = [{"name": name, "type": "org"} for name in account.organisations]
    access = {"accessToken": {"displayName": "test", "role": account.role}}
    return _json({"type": "user", "name": account.name, "orgs": organisations, "auth": access})


def auth_check(asked: Asked, kind: str, name: str, write: str | None) -> Answer:
    asked.repository(kind, name, write=bool(write))
    return _json({})


def create(asked: Asked) -> Answer:
    wanted = json.loads(asked.request.body)
    if asked.account is None:
        raise Refused(401, "Log in to create a repository.")
    name = f"{wanted.get('organization') or asked.account.name}/{wanted['name']}"
    kind = _kind(wanted.get("type"))
    url = f"{asked.hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
    if not asked.account.may_write(name):
        raise Refused(403, f"You don't have the rights to create a {kind} under this namespace.")
    if (kind, name) in asked.hub.state.repositories:
        raise Refused(409, "You already created this repo", url=url)
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    asked.hub.state.create(name, kind, private=private)
    return _json({"url": url, "name": name, "id": name})


def information(asked: Asked, kind: str, name: str, revision: str | None) -> Answer:
    repository = asked.repository(kind, name)
    commit = asked.commit(repository, revision or "main")
    card = {"_id": name, "id": name, "sha": commit.oid, "private": repository.private, "gated": repository.gated}
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    return _json({**card, "tags": [], "downloads": 0, "likes": 0, "disabled": False, "siblings": siblings})


def tree(asked: Asked, kind: str, name: str, revision: str, folder: str | None) -> Answer:
    commit = asked.commit(asked.repository(kind, name), revision)
    above = f"{folder.strip('/')}/" if folder else ""
    recursive = asked.query.get("recursive", ["false"])[0].lower() in ("true", "1")
    entries: dict[str, dict[str, object]] = {}
    for path, file in sorted(commit.files.items()):
        parts = path.removeprefix(above).split("/")
        for end in range(1, len(parts) + 1 if recursive else 2) if path.startswith(above) else ():
            here = above + "/".join(parts[:end])
            entries[here] = file.entry(here) if here == path else _folder(here)
    if above and not entries:
        raise Refused(404, "No such folder", "EntryNotFound")
    return _json(list(entries.values()))


def _folder(path: str) -> dict[str, object]:
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def make_branch(asked: Asked, kind: str, name: str, branch: str) -> Answer:
    repository = asked.repository(kind, name, write=True)
    if branch in repository.revisions:
        raise Refused(409, "Reference already exists")
    start = json.loads(asked.request.body or b"{}").get("startingPoint", "main")
    repository.revisions[branch] = asked.commit(repository, start).oid
    return _json({})


def validate_yaml(asked: Asked) -> Answer:
    text = json.loads(asked.request.body)["content"]
    bad = re.search(r"^license: *(.*?) *$", text, re.MULTILINE)
    known = asked.hub.state.licences
    errors = [{"message": f'"license" must be one of {sorted(known)}'}] if bad and bad[1] not in known else []
    return _json({"errors": errors, "warnings": []}, 400 if errors else 200)


def preupload(asked: Asked, kind: str, name: str, revision: str) -> Answer:
    repository = asked.repository(kind, name, write="create_pr" not in asked.query)
    commit = asked.commit(repository, revision)
    wanted = json.loads(asked.request.body)
    stored = commit.files.get(".gitignore")
    ignored = wanted.get("gitIgnore", stored.data.decode() if stored else "").split()
    modes = []
    for file in wanted["files"]:
        known = commit.files.get(file["path"])
        modes.append(
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LFS_SUFFIXES) else "regular",
                "shouldIgnore": any(fnmatch(file["path"], pattern) for pattern in ignored),
                "oid": known.etag if known else None,
            }
        )
    return _json({"files": modes})


def lfs_batch(asked: Asked, name: str, kind: str | None = None) -> Answer:
    asked.repository(kind or "models", name, write=asked.account is None)
    objects = []
    largest = asked.hub.state.largest
    for wanted in json.loads(asked.request.body)["objects"]:
        if largest is not None and wanted["size"] > largest:
            objects.append({**wanted, "error": {"code": 413, "message": f"A file has no more than {largest} bytes."}})
            continue
        there = wanted["oid"] in asked.hub.state.blobs
        upload = {"href": f"{asked.hub.url}/lfs/{wanted['oid']}", "header": {}}
        objects.append({**wanted, "authenticated": True} | ({} if there else {"actions": {"upload": upload}}))
    return _json({"transfer": "basic", "objects": objects})


def lfs_put(asked: Asked, oid: str) -> Answer:
    if File(asked.request.body, lfs=True).sha256 != oid:
        raise Refused(400, "The content does not have this checksum.")
    asked.hub.state.blobs[oid] = asked.request.body
    return _json({})


def commit(asked: Asked, kind: str, name: str, revision: str) -> Answer:
    wants_pull_request = "create_pr" in asked.query
    repository = asked.repository(kind, name, write=not wants_pull_request)
    before = asked.commit(repository, revision)
    lines = [json.loads(line) for line in asked.request.body.splitlines() if line]
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit") not in (None, before.oid):
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    files = dict(before.files)
    for line in lines:
        _apply(line["key"], line["value"], files, asked.hub.state.blobs)
    after = commit_of(before.oid, header["summary"], files)
    branch = repository.open_pull_request(header["summary"]) if wants_pull_request else revision
    repository.add(branch, after)
    url = f"{asked.hub.url}/{'datasets/' if repository.kind == 'dataset' else ''}{name}"
    done = {"success": True, "commitOid": after.oid, "commitUrl": f"{url}/commit/{after.oid}", "hookOutput": ""}
    if wants_pull_request:
        done["pullRequestUrl"] = f"{url}/discussions/{len(repository.pull_requests)}"
    return _json(done)


def _apply(key: str, value: dict[str, Any], files: dict[str, File], blobs: dict[str, bytes]) -> None:
    if key == "file":
        files[value["path"]] = File(base64.b64decode(value["content"]), lfs=False)
    elif key == "lfsFile":
        if value["oid"] not in blobs:
            raise Refused(400, f"LFS pointer pointed to a file that does not exist: {value['path']}")
        files[value["path"]] = File(blobs[value["oid"]], lfs=True)
    elif key == "deletedFile":
        files.pop(value["path"], None)


def resolve(asked: Asked, name: str, revision: str, path: str, kind: str | None = None) -> Answer:
    repository = asked.repository(kind or "models", name)
    found = asked.commit(repository, revision)
    file = found.files.get(path)
    if file is None:
        raise Refused(404, "Entry not found", "EntryNotFound")
    headers = [("ETag", f'"{file.etag}"'), ("X-Repo-Commit", found.oid), ("Accept-Ranges", "bytes")]
    if file.lfs:
        linked = [("X-Linked-Etag", f'"{file.sha256}"'), ("X-Linked-Size", str(len(file.data)))]
        asked.hub.state.blobs[file.sha256] = file.data
        return Answer(302, b"", (*headers, *linked, ("Location", f"{asked.hub.storage}/lfs/{file.sha256}")))
    return _ranged(file.data, asked, headers)


def lfs_get(asked: Asked, oid: str) -> Answer:
    if oid not in asked.hub.state.blobs:
        raise Refused(404, "No such object", "EntryNotFound")
    return _ranged(asked.hub.state.blobs[oid], asked, [("ETag", f'"{oid}"'), ("Accept-Ranges", "bytes")])


def _ranged(data: bytes, asked: Asked, headers: list[tuple[str, str]]) -> Answer:
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.request.headers.get("Range", ""))
    if match is None:
        return Answer(200, data, (*headers, ("Content-Length", str(len(data)))))
    first, last = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
    if first >= len(data):
        return Answer(416, b"", (*headers, ("Content-Range", f"bytes */{len(data)}")))
    part = data[first : last + 1]
    place = ("Content-Range", f"bytes {first}-{last}/{len(data)}")
    return Answer(206, part, (*headers, place, ("Content-Length", str(len(part)))))


API = r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)"
GIT = r"(/(?P<kind>datasets))?/(?P<name>[^/]+/[^/]+?)"
REVISION = r"(?P<revision>refs/pr/\d+|refs/convert/\w+|[^/]+)"

ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/api/whoami-v2", whoami),
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate_yaml),
    ("GET", API + r"/auth-check(?P<write>/write)?", auth_check),
    ("GET", API + r"(/revision/" + REVISION + ")?", information),
    ("GET", API + r"/tree/" + REVISION + r"(?P<folder>/.*)?", tree),
    ("POST", API + r"/branch/(?P<branch>.+)", make_branch),
    ("POST", API + r"/preupload/" + REVISION, preupload),
    ("POST", API + r"/commit/" + REVISION, commit),
    ("POST", GIT + r"\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_put),
    ("GET", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_get),
    ("HEAD", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_get),
    ("GET", GIT + r"/resolve/" + REVISION + r"/(?P<path>.+)", resolve),
    ("HEAD", GIT + r"/resolve/" + REVISION + r"/(?P<path>.+)", resolve),
]
