"""Pushes and pulls while the hub fails at random: ``python hub_faults.py [SEQUENCES]`` (200, shared by the commands).

A stand-in hub on loopback fails (``tests/standins/faults.py``) by rules drawn from a seed: statuses, connections
that end before or after the request has taken effect, silence, wrong checksums, damaged and cut bodies. After each
command the hub is compared with what should lie there: whole, or as before. After a refusal the same command is given
again, on a hub without faults: it must go on from there. Printed is how the commands ended, what broke the promise, and
where the token was found. The exit code is not 0 if anything was.
"""

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np

from i2i import images

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "standins"))

from bench import Bench, Files, contents
from commander import Commander
from faults import Fault
from faults import Kind as Trouble
from hub import Hub
from hub_state import Account, Kind, Repository

SEQUENCES = 200
SMALL = ["--size", "16", "--steps", "2", "--set", "generator.depth=2", "--set", "generator.base_channels=2"]
SMALL += ["--set", "discriminator.base_channels=2", "--set", "discriminator.layers=1"]


PUSH = [
    ("GET", "/whoami-v2"),
    ("GET", "/api/(models|datasets)/[^/]+/[^/]+$"),
    ("GET", "/auth-check"),
    ("GET", "/tree/"),
    ("GET", "/resolve/"),
    ("POST", "/validate-yaml"),
    ("POST", "/repos/create"),
    ("POST", "/preupload/"),
    ("POST", "/objects/batch"),
    ("PUT", "/lfs/"),
    ("POST", "/commit/"),
    ("POST", "/commit/"),  # where most depends on it
    ("POST", "/commit/"),
    ("", ""),
]
PULL = [
    ("GET", "/revision/"),
    ("GET", "/tree/"),
    ("HEAD", "/resolve/"),
    ("GET", "/resolve/"),
    ("GET", "/lfs/"),
    ("", ""),
]
"""Method and path of the requests of each command."""


def sequence(random: Random, requests: list[tuple[str, str]]) -> list[Fault]:
    """Draw some faults, one after another: most pass, some stay."""
    return [_fault(random, *random.choice(requests)) for _ in range(random.randint(1, 5))]


def _fault(random: Random, method: str, path: str) -> Fault:
    kinds: list[Trouble] = [503, 503, 429, 500, 504, "reset", "reset", "cut", "flip", "etag"]
    kind = random.choice(kinds) if random.random() < 0.95 else "hang"
    times = random.choice([1, 1, 1, 2, 3, 99]) if kind != "hang" else 1
    effect = random.choice([None, 0.0, 0.0, 0.02, 0.2]) if method in ("POST", "PUT") else None
    return Fault(kind, method, path, times, effect)


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
        """Return what a push shall bring there: written once, by a name that each repository's takes the place of."""
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
        """Find the token: on the hub, in these folders (with what was logged), or in the process's arguments."""
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


def main(sequences: int) -> int:
    with Hub().running() as hub, tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        home = scratch / "home"
        home.mkdir()
        loud = {"HF_HUB_VERBOSITY": "debug", "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}
        bench = Bench(hub, Commander(hub.environment(home, token=None) | loud, home / "log.txt"), home)
        try:
            return endure(bench, scratch, sequences)
        finally:
            bench.command.close()


def endure(bench: Bench, scratch: Path, sequences: int) -> int:
    """Run all sequences of all commands; returns the exit code."""
    pairs, run = make_pairs(scratch / "pairs"), scratch / "run"
    trained = bench("train", "--plugin", "pix2pix", "--data", pairs, "--out", run, *SMALL)
    if trained.code:
        raise SystemExit(trained.err)
    ordeal = Ordeal(bench, run, pairs, scratch / "work")
    pushed = bench.new_name()
    bench("push", run, pushed, "--licence", "mit")
    pull = partial(ordeal.pull, pushed=bench.repository(pushed).files())
    commands: dict[str, Callable[[int], str]] = {"push": ordeal.push, "data push": ordeal.push_data, "pull": pull}
    endings: dict[str, Counter[str]] = {name: Counter() for name in commands}
    broken = []
    for seed, (name, command) in zip(range(sequences), cycle(commands.items()), strict=False):
        try:
            endings[name][command(seed)] += 1
        except AssertionError as error:
            endings[name]["broken"] += 1
            broken.append(f"{name}, seed {seed}: {error}")
    print("command      done  refused  unknown  broken")
    for name, counts in endings.items():
        print(f"{name:9}" + "".join(f"{counts[ending]:9}" for ending in ("done", "refused", "unknown", "broken")))
    leaks = ordeal.leaks(scratch)
    print(f"requests: {len(bench.hub.requests)}, places where the token lies: {len(leaks)}", *broken, *leaks, sep="\n")
    return int(bool(broken or leaks))


def make_pairs(root: Path) -> Path:
    """Make four training and two validation pairs of noise."""
    random = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for half in ("imageA", "imageB"):
            (root / split / half).mkdir(parents=True)
            for i in range(count):
                images.write(root / split / half / f"{i}.png", random.integers(0, 256, (16, 16, 3), np.uint8))
    return root


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SEQUENCES))
