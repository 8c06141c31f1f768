"""Pushes and pulls while the hub fails at random, and what is there afterwards: whole, or as before.

Whatever a command says is compared with what lies on the hub. After a refusal the same command is given again, on a hub
without faults: it must go on from there.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from bench import Bench, Files, contents
from faults import PULL, PUSH, Fault, sequence
from hub_state import Account, Kind, Repository

CANARY = "hf_canaryQ7mX2vK9"
"""A token that nothing else looks like."""

Ending = Literal["done", "refused", "unknown"]
"""All is there; the command says why not, and nothing has changed; it says that it could not find out."""


@dataclass
class Ordeal:
    """A hub, a command line, and what is sent to and fro.

    Args:
        bench: Where it happens.
        model: A run.
        dataset: A dataset.
        scratch: An empty folder.
    """

    bench: Bench
    model: Path
    dataset: Path
    scratch: Path

    def __post_init__(self) -> None:
        self.bench.hub.state.accounts[CANARY] = Account("ada")

    def push(self, seed: int) -> Ending:
        """Push the model; see `_send`."""
        return self._send(seed, "model", "push", self.model)

    def push_data(self, seed: int) -> Ending:
        """Push the dataset; see `_send`."""
        return self._send(seed, "dataset", "data", "push", self.dataset)

    def _send(self, seed: int, kind: Kind, *command: object) -> Ending:
        """Push, and compare the repository with a dry run.

        Raises:
            AssertionError: If there is anything but one commit of all files, or what was there before.
        """
        random = Random(seed)
        name, hub = self.bench.new_name(), self.bench.hub
        there_before = random.random() < 0.5
        if there_before:
            hub.state.put(name, {"notes.txt": b"keep", "samples/9-source.png": b"old"}, kind)
        words = [*command, name, "--licence", "mit"]
        wanted = self._dry_run(kind, name, command) | ({"notes.txt": b"keep"} if there_before else {})
        before = _history(hub.state.repositories.get((kind, name)))
        self.bench.fails(*sequence(random, PUSH))
        outcome = self.bench(*words, token=CANARY)
        hub.settle()
        repository = hub.state.repositories.get((kind, name))
        added = len(_history(repository)) - max(len(before), 1)
        assert added <= 1, f"{added} commits"
        ending = _ending(outcome.code, outcome.err)
        if ending == "done":
            assert added == 1
        elif ending == "refused":
            assert added <= 0, "it says that it was refused"
        assert self.bench(*words, token=CANARY).code == 0, "the same command does not go on"
        repository = self.bench.repository(name, kind)
        assert repository.files() == wanted
        assert len(repository.history()) == max(len(before), 1) + 1
        return ending

    def _dry_run(self, kind: Kind, name: str, command: tuple[object, ...]) -> Files:
        """What a push shall bring there: written once, under a name that each repository's takes the place of."""
        folder, stands_for = self.scratch / kind, "ada/dry-run"
        if not folder.exists():
            assert self.bench(*command, stands_for, "--licence", "mit", "--dry-run", folder, token="").code == 0
        files = contents(folder)
        card = files["README.md"].decode().replace(stands_for.split("/")[1], name.split("/")[1])
        return files | {"README.md": card.encode()}

    def pull(self, seed: int, pushed: Files) -> Ending:
        """Pull a model while somebody pushes another; what arrives is one of the two, whole, or nothing is there.

        Raises:
            AssertionError: If not.
        """
        random = Random(seed)
        name, hub = self.bench.new_name(), self.bench.hub
        folder = self.scratch / name / "model"
        folder.parent.mkdir(parents=True)
        states = [hub.state.put(name, pushed).files()]
        newer = pushed | {"README.md": b"---\nlicense: mit\n---\n# Newer\n"}
        push = Fault(lambda: hub.state.put(name, newer), *random.choice(PULL))
        self.bench.fails(*sequence(random, PULL), *([push] if random.random() < 0.5 else []))
        outcome = self.bench("pull", name, folder, token=CANARY)
        hub.settle()
        states.append(self.bench.repository(name).files())
        ending = _ending(outcome.code, outcome.err)
        if ending == "done":
            assert contents(folder) in states
            shutil.rmtree(folder)
        assert list(folder.parent.iterdir()) == [], "a part is left"
        assert self.bench("pull", name, folder, token=CANARY).code == 0, "the same command does not go on"
        assert contents(folder) == states[-1]
        return ending

    def leaks(self, *folders: Path) -> list[str]:
        """Where the token lies: on the hub, in these folders (with what was logged), or in the process's arguments."""
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        hub = self.bench.hub
        places = {str(file): file.read_bytes() for file in files} | hub.state.blobs
        places |= {request.path: request.path.encode() + request.body for request in hub.requests}
        places["arguments"] = self.bench.command.arguments()
        for repository in hub.state.repositories.values():
            for commit in repository.commits.values():
                places |= {f"{commit.oid} {path}": file.data for path, file in commit.files.items()}
        return [place for place, data in places.items() if CANARY.encode() in data]


def _history(repository: Repository | None) -> list[str]:
    return [commit.oid for commit in repository.history()] if repository else []


def _ending(code: int, said: str) -> Ending:
    if code == 0:
        return "done"
    assert code in (65, 69), f"code {code}: {said[-300:]}"  # damaged on its way, or out of reach
    assert re.fullmatch(r"(.+Trying again in .+\n)*Error: .+\n", said), said
    return "unknown" if "is not known" in " ".join(said.split()) else "refused"
