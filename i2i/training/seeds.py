"""Trains the same under several seeds, beside each other, and says what their figures are on average.

Each run is a process of its own, which a failure of another one does not touch, and has a folder of its own,
``seed-0`` and so on: all that can be done with a run can be done with each of them.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import torch

from i2i import safe_json
from i2i.config import RunConfig
from i2i.errors import UsageError, things
from i2i.system.devices import available_cpus, resolve_device
from i2i.system.files import make_folder, write_atomically
from i2i.training.folder import RunFolder
from i2i.translation.model import read_config

SUMMARY = "seeds.json"
SAID_EVERY = 10.0
"""Seconds between two lines about how far the runs have come, where they have come any further."""
LOOKED_EVERY = 0.2


class SeedRun(NamedTuple):
    """What became of one seed's run."""

    seed: int
    folder: Path
    exit_code: int
    """As a command's: 0 if it is finished."""
    step: int
    """The step of the model that it kept, 0 where there is none."""
    figures: dict[str, float]
    """Of that model, on held-out items."""


class Spread(NamedTuple):
    """A figure over several seeds."""

    mean: float
    spread: float | None
    """Standard deviation of one seed's figure, estimated from all (divided by their number less 1); None of one."""
    of: int
    """How many seeds have it."""


class Seeds(NamedTuple):
    """What became of the runs of all seeds."""

    runs: list[SeedRun]

    @property
    def exit_code(self) -> int:
        """Return 0 if all runs are finished, else the exit code of the first that is not."""
        return next((run.exit_code for run in self.runs if run.exit_code), 0)

    @property
    def figures(self) -> dict[str, Spread]:
        """Return each figure over the runs that are finished and have it."""
        whole = [run.figures for run in self.runs if not run.exit_code]
        found = {name: [each[name] for each in whole if name in each] for each in whole for name in each}
        return {
            name: Spread(mean(values), stdev(values) if len(values) > 1 else None, len(values))
            for name, values in found.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data, folders by their names."""
        return {
            "runs": [run._asdict() | {"folder": run.folder.name} for run in self.runs],
            "figures": {name: spread._asdict() for name, spread in self.figures.items()},
        }


def parse_seeds(said: str | Iterable[int]) -> list[int]:
    """Read seeds, such as ``0..4`` or ``0,3,7``.

    Example:
        >>> parse_seeds("0..2,7")
        [0, 1, 2, 7]

    Raises:
        UsageError: If they are none, or one is there twice.
    """
    if not isinstance(said, str):
        seeds = [*said]
    elif re.fullmatch(r"\d+(\.\.\d+)?(,\d+(\.\.\d+)?)*", said):
        parts = [part.partition("..") for part in said.split(",")]
        seeds = [seed for first, _, last in parts for seed in range(int(first), int(last or first) + 1)]
    else:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise UsageError(f"--seeds {said!r} are no seeds. Say such as 0..4 or 0,3,7, each once.")
    return seeds


def train_seeds(
    config: RunConfig,
    seeds: Sequence[int],
    out: Path,
    hear: Callable[[str], None],
    command: Callable[[int, RunFolder, Sequence[str]], list[str]] | None = None,
) -> Seeds:
    """Train under each seed, as many at once as there are devices, on a CPU as there are cores.

    Called again, finished runs are left alone, and others go on.

    Args:
        config: What is trained, whatever its seed.
        seeds: Of the runs.
        out: Folder of all.
        hear: Is told how they go, in lines.
        command: Gives the command of a run from its seed, its folder and its place; ``i2i train`` when not given.

    Raises:
        UsageError: If the folder has runs of other settings.
        KeyboardInterrupt: If it is stopped; all runs are saved then.
    """
    make_folder(out)
    _record(config, out)
    command = command or partial(_command, config, out)
    places = _places(config, len(seeds))
    hear(f"{things(len(seeds), 'seed')}, {len(places)} at a time")
    waiting, running, codes = [*seeds], dict[int, tuple[subprocess.Popen[bytes], list[str]]](), dict[int, int]()
    folders = {seed: RunFolder(out / f"seed-{seed}") for seed in seeds}
    said, line = time.monotonic(), ""
    try:
        while waiting or running:
            while waiting and places:
                seed, place = waiting.pop(0), places.pop(0)
                words = command(seed, folders[seed], place)
                running[seed] = (_started(words, out / f"seed-{seed}.log"), place)
            time.sleep(LOOKED_EVERY)
            for seed, (process, place) in [*running.items()]:
                if (code := process.poll()) is not None:
                    del running[seed]
                    places.append(place)
                    codes[seed] = code if code >= 0 else 128 - code
                    hear(_ended(seed, codes[seed], out))
            if running and time.monotonic() - said >= SAID_EVERY:
                said, before = time.monotonic(), line
                line = "  ".join(f"seed {seed}: step {_steps(folders[seed])}" for seed in sorted(running))
                if line != before:
                    hear(line)
    finally:
        for process, _ in running.values():
            process.send_signal(signal.SIGTERM)  # once: each saves, and a second one would end it at once
        for process, _ in running.values():
            process.wait()
    found = Seeds([SeedRun(seed, folders[seed].path, codes[seed], *_kept(folders[seed])) for seed in seeds])
    write_atomically(out / SUMMARY, (json.dumps(found.to_dict(), indent=2) + "\n").encode())
    return found


def _command(config: RunConfig, out: Path, seed: int, folder: RunFolder, place: Sequence[str]) -> list[str]:
    """Return the command that trains under a seed, or goes on with what is there."""
    files = [word for file in config.plugins.files for word in ("--plugin-file", file.path)]
    if folder.has_progress():
        said = ["--resume", str(folder.path)]
    else:
        said = ["--config", str(RunFolder(out).config), "--seed", str(seed), "--out", str(folder.path), *place]
    return [sys.executable, "-m", "i2i", "train", "--quiet", *said, *files]


def _record(config: RunConfig, out: Path) -> None:
    """Write what is trained, whatever the seed; refuse a folder where that is another."""
    path, text = RunFolder(out).config, config.change(training={"seed": 0}).to_yaml().encode()
    if path.exists() and path.read_bytes() != text:
        raise UsageError(f"{out} has runs of other settings. Choose another --out.")
    write_atomically(path, text)


def _places(config: RunConfig, count: int) -> list[list[str]]:
    """Return where runs can be at once, each as flags: each GPU, or as many parts of the cores as there are runs."""
    device, threads = resolve_device(config.training.device), config.training.threads
    if device.type == "cpu":
        at_once = min(count, max(1, available_cpus() // (threads or 1)))
        of_each = threads or max(1, available_cpus() // at_once)
        return [["--device", "cpu", "--set", f"training.threads={of_each}"] for _ in range(at_once)]
    several = device.type == "cuda" and config.training.device in ("auto", "cuda")
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if several else [str(device)]
    return [["--device", name] for name in names[:count]]


def _started(words: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as said:
        # a session of its own: Ctrl-C reaches it once, from here
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)


def _ended(seed: int, code: int, out: Path) -> str:
    if code == 0:
        return f"seed {seed}: done"
    lines = [line for line in (out / f"seed-{seed}.log").read_text(errors="replace").splitlines() if line.strip()]
    return f"seed {seed} failed with exit code {code}: {lines[-1] if lines else 'it said nothing'}"


def _rows(folder: RunFolder) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a run's log; the last one may be half written."""
    if folder.metrics.is_file():
        for line in folder.metrics.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield safe_json.load(line)


def _steps(folder: RunFolder) -> int:
    return max((row["step"] for row in _rows(folder)), default=0)


def _kept(folder: RunFolder) -> tuple[int, dict[str, float]]:
    """Return the step of the model that a run kept, and its figures."""
    if not folder.model.is_dir():
        return 0, {}
    step = read_config(folder.model).step or 0
    measured = [row["validation"] for row in _rows(folder) if row["step"] == step and "validation" in row]
    return step, {name: value for each in measured for name, value in each.items() if value is not None}
