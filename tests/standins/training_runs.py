"""Trainings in processes of their own, which tests stop and go on with.

All of them are forked from one process that has imported PyTorch and done nothing else, since to import it takes longer
than to train.
"""

import json
import os
import time
from multiprocessing import get_context, set_start_method
from pathlib import Path
from tempfile import TemporaryDirectory

from i2i.training.reporting import Reporter

FRESH = get_context("forkserver")
"""Starts processes that have no threads and need not import PyTorch."""
FRESH.set_forkserver_preload(["i2i.cli.app", "i2i.training", "i2i_pix2pix"])

FILES = ("model/generator.safetensors", "model-last/generator.safetensors", "metrics.jsonl")


class Command:
    """A call of ``i2i`` in a process group of its own, as a shell or a cluster would start it."""

    def __init__(self, *arguments: object) -> None:
        self._folder = TemporaryDirectory()
        self._said = Path(self._folder.name) / "said"
        self._process = FRESH.Process(target=_call, args=([str(word) for word in arguments], str(self._said)))
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process and of its group."""
        assert self._process.pid is not None
        return self._process.pid

    def running(self) -> bool:
        return self._process.is_alive()

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        os.killpg(self.pid, number)

    def wait(self) -> tuple[int, str]:
        """Exit code, or minus the signal that ended it, and all that it said."""
        self._process.join(120)
        assert self._process.exitcode is not None
        said = self._said.read_text()
        self._folder.cleanup()
        return self._process.exitcode, said

    def finish(self) -> str:
        """What it said, if it ended well."""
        code, said = self.wait()
        assert code == 0, said
        return said


def _call(arguments: list[str], said: str) -> None:
    os.setsid()
    set_start_method(None, force=True)  # readers start as they do in any process, not as this one did
    file = os.open(said, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(file, stream)
    from i2i.cli import main

    main(arguments)


def new_run(data: Path, out: Path, workers: int, *, steps: int, checkpoint_every: int) -> Command:
    """A training of the smallest networks, on 16 px."""
    settings = [
        *("generator.depth=1", "generator.base_channels=2", "discriminator.layers=1", "discriminator.base_channels=2"),
        *("training.threads=1", f"training.checkpoint_every={checkpoint_every}"),
        *(f"validation.every={2 * checkpoint_every}", "validation.images=1"),
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    return Command(
        *("train", "--plugin", "pix2pix", "--data", data, "--out", out, "--size", 16, "--steps", steps),
        *("--workers", workers, *flags),
    )


class Heard(Reporter):
    """Keeps the warnings of a run."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def steps_done(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b'"lr"') if log.exists() else 0


def wait_for(run: Path, steps: int, command: Command) -> None:
    """Until so many steps of the run are in its log."""
    deadline = time.monotonic() + 120
    while steps_done(run) < steps:
        assert command.running(), command.wait()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def assert_same(one: Path, other: Path, steps: int) -> None:
    """Two runs have the same weights and the same log, in which every step stands once."""
    for file in FILES:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    logged = [json.loads(line)["step"] for line in (one / "metrics.jsonl").read_text().splitlines() if '"lr"' in line]
    assert logged == list(range(1, steps + 1))
