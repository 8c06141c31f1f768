"""A stand-in for the Hugging Face Hub on loopback: enough of its interface for the real client, and faults by rule.

Files travel by LFS, not by xet: run the client with ``HF_HUB_DISABLE_XET=1``, and with ``HF_ENDPOINT`` set before it is
imported. See `environment`.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from hub_state import LFS_SUFFIXES, Account, Commit, File, Kind, Repository, State, commit_of, entries_of

PAGE = 50
"""Files on a page of a listing."""


class Request(NamedTuple):
    """What a client asked for."""

    method: str
    path: str
    authorization: str


@dataclass
class Fault:
    """What goes wrong, and with which requests.

    ``503``, ``429`` and other numbers: that status instead of an answer. ``reset``: the connection is closed at once.
    ``reset-after``: closed when the request has taken effect, before the answer. ``cut``: half of the body. ``flip``:
    one bit of the body is another. ``hang``: no answer for ``seconds``.
    """

    kind: int | Literal["reset", "reset-after", "cut", "flip", "hang"]
    method: str = ""
    """Of which method; of all when empty."""
    path: str = ""
    """A regular expression that is found in the path."""
    times: int = 1
    seconds: float = 5.0

    def takes(self, method: str, path: str) -> bool:
        """Whether it happens now; counts itself down."""
        if self.times <= 0 or self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.times -= 1
        return True


class Answer(NamedTuple):
    """An answer of the hub."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):  # noqa: N818
    """An answer that says no."""

    def __init__(self, status: int, message: str, code: str = "", **more: str) -> None:
        super().__init__(message)
        headers = [("X-Error-Message", message)] + ([("X-Error-Code", code)] if code else [])
        self.answer = _json({"error": message, **more}, status, *headers)


def _json(content: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(content).encode(), (("Content-Type", "application/json"), *headers))


class Hub:
    """A running stand-in.

    Args:
        accounts: By token.
    """

    def __init__(self, accounts: dict[str, Account] | None = None) -> None:
        self.state = State(accounts or {"hf_writer": Account("ada"), "hf_reader": Account("ada", "read")})
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What somebody else does just before the next commit."""
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        # large files come from another host, to which the client must not follow with its questions about the Hub's
        self.storage = f"http://localhost:{self._server.server_address[1]}"

    def environment(self, home: object, token: str | None = "hf_writer") -> dict[str, str]:
        """Variables under which a client talks to this hub alone and keeps its cache in ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_TOKEN": token or "",
        }

    def asked(self, method: str, path: str) -> int:
        """How many requests there were of this method and with this in their path."""
        return sum(request.method == method and re.search(path, request.path) is not None for request in self.requests)

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        """Serves until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        path = unquote(url.path)
        with self.hub.lock:
            self.hub.requests.append(Request(self.command, self.path, self.headers.get("Authorization", "")))
            fault = next((fault for fault in self.hub.faults if fault.takes(self.command, path)), None)
            if fault is None or fault.kind in ("reset-after", "cut", "flip"):
                answer = self._answer(path, parse_qs(url.query, keep_blank_values=True), body)
        if fault is None:
            self._send(answer)
        elif isinstance(fault.kind, int):
            self._send(Answer(fault.kind, b"out of order", (("Retry-After", "0"),)))
        elif fault.kind == "flip":
            self._send(answer._replace(body=bytes([answer.body[0] ^ 1]) + answer.body[1:] if answer.body else b""))
        elif fault.kind == "cut":
            self._send(answer, len(answer.body) // 2)
            self._break()
        else:
            if fault.kind == "hang":
                time.sleep(fault.seconds)
            self._break()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

    def _break(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, answer: Answer, stop: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in answer.headers):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:stop])
            self.wfile.flush()

    def _answer(self, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        try:
            for method, pattern, function in ROUTES:
                if method == self.command and (match := re.fullmatch(pattern, path)):
                    return function(_Asked(self.hub, self._account(), query, body, self.headers), **match.groupdict())
        except Refused as refused:
            return refused.answer
        return Refused(404, "There is no such page.", "EntryNotFound").answer

    def _account(self) -> Account | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.state.accounts:
            raise Refused(401, "Invalid user token.")
        return self.hub.state.accounts.get(token)


class _Asked(NamedTuple):
    """A request that has been understood."""

    hub: Hub
    account: Account | None
    query: dict[str, list[str]]
    body: bytes
    headers: Any

    def repository(self, kind: str, name: str, *, write: bool = False) -> Repository:
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


def whoami(asked: _Asked) -> Answer:
    if asked.account is None:
        raise Refused(401, "Invalid username or password.")
    account = asked.account
    organisations = [{"name": name, "type": "org"} for name in account.organisations]
    access = {"accessToken": {"displayName": "test", "role": account.role}}
    return _json({"type": "user", "name": account.name, "orgs": organisations, "auth": access})


def auth_check(asked: _Asked, kind: str, name: str, write: str | None) -> Answer:
    asked.repository(kind, name, write=bool(write))
    return _json({})


def create(asked: _Asked) -> Answer:
    wanted = json.loads(asked.body)
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


def information(asked: _Asked, kind: str, name: str, revision: str | None) -> Answer:
    repository = asked.repository(kind, name)
    commit = asked.commit(repository, revision or "main")
    card = {"_id": name, "id": name, "sha": commit.oid, "private": repository.private, "gated": repository.gated}
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    return _json({**card, "tags": [], "downloads": 0, "likes": 0, "disabled": False, "siblings": siblings})


def tree(asked: _Asked, kind: str, name: str, revision: str, folder: str | None) -> Answer:
    repository = asked.repository(kind, name)
    commit = asked.commit(repository, revision)
    inside = (folder or "").strip("/")
    paths = [path for path in sorted(commit.files) if not inside or path.startswith(f"{inside}/")]
    if inside and not paths:
        raise Refused(404, "No such folder", "EntryNotFound")
    entries = entries_of(commit.files, paths)
    if asked.query.get("recursive", ["false"])[0].lower() not in ("true", "1"):
        entries = _one_level(entries, inside)
    else:
        folders = {str(folder) for path in paths for folder in PurePosixPath(path).relative_to(inside).parents}
        entries = [_folder(f"{inside}/{folder}".strip("/")) for folder in sorted(folders - {"."})] + entries
    first = int(asked.query.get("cursor", ["0"])[0])
    links: tuple[tuple[str, str], ...] = ()
    if first + PAGE < len(entries):
        here = f"{asked.hub.url}/api/{kind}/{name}/tree/{revision}/{inside}".rstrip("/")
        recursive = asked.query.get("recursive", ["false"])[0]
        links = (("Link", f'<{here}?recursive={recursive}&cursor={first + PAGE}>; rel="next"'),)
    return _json(entries[first : first + PAGE], 200, *links)


def _one_level(entries: list[dict[str, object]], inside: str) -> list[dict[str, object]]:
    shown: dict[str, dict[str, object]] = {}
    for entry in entries:
        rest = str(entry["path"]).removeprefix(f"{inside}/" if inside else "")
        head, slash, _ = rest.partition("/")
        path = f"{inside}/{head}" if inside else head
        shown[path] = _folder(path) if slash else entry
    return list(shown.values())


def _folder(path: str) -> dict[str, object]:
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def paths_info(asked: _Asked, kind: str, name: str, revision: str) -> Answer:
    commit = asked.commit(asked.repository(kind, name), revision)
    try:
        wanted = json.loads(asked.body)["paths"]
    except ValueError:
        wanted = parse_qs(asked.body.decode()).get("paths", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    entries = entries_of(commit.files, [path for path in wanted if path in commit.files])
    folders = [path for path in wanted if any(file.startswith(f"{path}/") for file in commit.files)]
    return _json(entries + [{"type": "directory", "path": path, "oid": "0" * 40} for path in folders])


def references(asked: _Asked, kind: str, name: str) -> Answer:
    repository = asked.repository(kind, name)
    branches = [
        {"name": branch, "ref": f"refs/heads/{branch}", "targetCommit": oid}
        for branch, oid in repository.revisions.items()
        if not branch.startswith("refs/")
    ]
    return _json({"branches": branches, "tags": [], "converts": []})


def make_branch(asked: _Asked, kind: str, name: str, branch: str) -> Answer:
    repository = asked.repository(kind, name, write=True)
    if branch in repository.revisions:
        raise Refused(409, "Reference already exists")
    start = json.loads(asked.body or b"{}").get("startingPoint", "main")
    repository.revisions[branch] = asked.commit(repository, start).oid
    return _json({})


def validate_yaml(asked: _Asked) -> Answer:
    text = json.loads(asked.body)["content"]
    bad = re.search(r"^license: *(\S*)$", text, re.MULTILINE)
    known = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "other", "unknown", "openrail")
    errors = [{"message": f'"license" must be one of {known}'}] if bad and bad.group(1) not in known else []
    return _json({"errors": errors, "warnings": []}, 400 if errors else 200)


def preupload(asked: _Asked, kind: str, name: str, revision: str) -> Answer:
    repository = asked.repository(kind, name, write="create_pr" not in asked.query)
    commit = asked.commit(repository, revision)
    modes = []
    for file in json.loads(asked.body)["files"]:
        base64.b64decode(file["sample"], validate=True)
        mode = "lfs" if file["path"].endswith(LFS_SUFFIXES) else "regular"
        known = commit.files.get(file["path"])
        modes.append(
            {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": known.etag if known else None}
        )
    return _json({"files": modes})


def lfs_batch(asked: _Asked, name: str, kind: str | None = None) -> Answer:
    asked.repository(kind or "models", name, write=asked.account is None)
    objects = []
    for wanted in json.loads(asked.body)["objects"]:
        there = wanted["oid"] in asked.hub.state.blobs
        upload = {"href": f"{asked.hub.url}/lfs/{wanted['oid']}", "header": {}}
        objects.append({**wanted, "authenticated": True} | ({} if there else {"actions": {"upload": upload}}))
    return _json({"transfer": "basic", "objects": objects})


def lfs_put(asked: _Asked, oid: str) -> Answer:
    if File(asked.body, lfs=True).sha256 != oid:
        raise Refused(400, "The content does not have this checksum.")
    asked.hub.state.blobs[oid] = asked.body
    return _json({})


def commit(asked: _Asked, kind: str, name: str, revision: str) -> Answer:
    wants_pull_request = "create_pr" in asked.query
    repository = asked.repository(kind, name, write=not wants_pull_request)
    meanwhile, asked.hub.meanwhile = asked.hub.meanwhile, lambda: None
    meanwhile()
    before = asked.commit(repository, revision)
    lines = [json.loads(line) for line in asked.body.splitlines() if line]
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit") not in (None, before.oid):
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    files = dict(before.files)
    for line in lines:
        _apply(line["key"], line["value"], files, asked.hub.state.blobs)
    after = commit_of(before.oid, header["summary"], files)
    branch = repository.branch_for_pull_request() if wants_pull_request else revision
    if files != before.files:
        repository.add(branch, after)
    url = f"{asked.hub.url}/{'datasets/' if repository.kind == 'dataset' else ''}{name}"
    done = {"success": True, "commitOid": after.oid, "commitUrl": f"{url}/commit/{after.oid}", "hookOutput": ""}
    if wants_pull_request:
        done["pullRequestUrl"] = f"{url}/discussions/{repository.pull_requests}"
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
    elif key == "deletedFolder":
        for path in [path for path in files if path.startswith(value["path"].rstrip("/") + "/")]:
            del files[path]


def resolve(asked: _Asked, name: str, revision: str, path: str, kind: str | None = None) -> Answer:
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


def lfs_get(asked: _Asked, oid: str) -> Answer:
    if oid not in asked.hub.state.blobs:
        raise Refused(404, "No such object", "EntryNotFound")
    return _ranged(asked.hub.state.blobs[oid], asked, [("ETag", f'"{oid}"'), ("Accept-Ranges", "bytes")])


def _ranged(data: bytes, asked: _Asked, headers: list[tuple[str, str]]) -> Answer:
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("Range", ""))
    if match is None:
        return Answer(200, data, (*headers, ("Content-Length", str(len(data)))))
    first, last = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
    if first >= len(data):
        return Answer(416, b"", (*headers, ("Content-Range", f"bytes */{len(data)}")))
    part = data[first : last + 1]
    place = ("Content-Range", f"bytes {first}-{last}/{len(data)}")
    return Answer(206, part, (*headers, place, ("Content-Length", str(len(part)))))


def discussions(asked: _Asked, kind: str, name: str) -> Answer:
    repository = asked.repository(kind, name)
    if asked.account is None:
        raise Refused(401, "Log in to open a pull request.")
    repository.branch_for_pull_request()
    return _json({"num": repository.pull_requests})


API = r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)"
GIT = r"(/(?P<kind>datasets))?/(?P<name>[^/]+/[^/]+?)"
REVISION = r"(?P<revision>refs/pr/\d+|[^/]+)"

ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/api/whoami-v2", whoami),
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate_yaml),
    ("GET", API + r"/auth-check(?P<write>/write)?", auth_check),
    ("GET", API + r"(/revision/" + REVISION + ")?", information),
    ("GET", API + r"/tree/" + REVISION + r"(?P<folder>/.*)?", tree),
    ("POST", API + r"/paths-info/" + REVISION, paths_info),
    ("GET", API + r"/refs", references),
    ("POST", API + r"/branch/(?P<branch>.+)", make_branch),
    ("POST", API + r"/preupload/" + REVISION, preupload),
    ("POST", API + r"/commit/" + REVISION, commit),
    ("POST", API + r"/discussions", discussions),
    ("POST", GIT + r"\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_put),
    ("GET", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_get),
    ("HEAD", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_get),
    ("GET", GIT + r"/resolve/" + REVISION + r"/(?P<path>.+)", resolve),
    ("HEAD", GIT + r"/resolve/" + REVISION + r"/(?P<path>.+)", resolve),
]
