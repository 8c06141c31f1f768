"""Trainings of the smallest networks: their settings, and those in processes of their own, which tests stop.

All of the latter are forked from one process that has imported PyTorch and done nothing else, since to import it takes
longer than to train.
"""

import json
import os
import time
from multiprocessing import get_context, set_start_method
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from i2i.config import RunConfig, resolve
from i2i.training.reporting import Reporter

FRESH = get_context("forkserver")
"""Starts processes that have no threads and need not import PyTorch."""
FRESH.set_forkserver_preload(["i2i.cli.app", "i2i.training", "i2i_pix2pix"])

FILES = ("model/generator.safetensors", "model-last/generator.safetensors", "metrics.jsonl")


def new_run(data: Path, out: Path, workers: int, *, steps: int, checkpoint_every: int) -> BaseProcess:
    """Begin to train the smallest networks on 16 px, in a group of processes, as a shell or a cluster starts it."""
    settings = [
        *("generator.depth=1", "generator.base_channels=2", "discriminator.layers=1", "discriminator.base_channels=2"),
        *("training.threads=1", f"training.checkpoint_every={checkpoint_every}"),
        *(f"validation.every={2 * checkpoint_every}", "validation.images=1"),
        *("validation.metrics=[l1]", "validation.select=l1"),
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    words = ["train", "--plugin", "pix2pix", "--data", data, "--out", out, "--size", 16, "--steps", steps]
    said = [str(word) for word in (*words, "--workers", workers, "--quiet", *flags)]
    process = FRESH.Process(target=_call, args=(said, f"{out}.said"))
    process.start()
    return process


def _call(arguments: list[str], said: str) -> None:
    os.setsid()
    set_start_method(None, force=True)  # readers start as they do in any process, not as this one did
    file = os.open(said, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(file, stream)
    from i2i.cli import main

    main(arguments)


def finish(process: BaseProcess, run: Path) -> tuple[int | None, str]:
    """Return the exit code, or minus the signal that ended it, and all that it said."""
    process.join(120)
    return process.exitcode, Path(f"{run}.said").read_text()


TINY: dict[str, Any] = {
    "recipe": {"name": "pix2pix"},
    "generator": {"depth": 2, "base_channels": 4},
    "discriminator": {"layers": 1, "base_channels": 4},
    "data": {"crop": 16, "workers": 0},
    "training": {"steps": 12, "threads": 1, "checkpoint_every": 5},
    "validation": {"every": 4, "samples": 2, "images": 2, "metrics": ["l1"], "select": "l1"},
}


def tiny(folder: Path, **sections: Any) -> RunConfig:
    """Configuration of a run of 12 steps of the smallest networks, with these sections over it."""
    return resolve([TINY, {"data": {"path": str(folder)}}, sections])


def rows(run: Path) -> list[dict[str, Any]]:
    """What a run has logged."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


class Heard(Reporter):
    """Keeps the warnings of a run."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def steps_done(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b'"lr"') if log.exists() else 0


def wait_for(run: Path, steps: int, process: BaseProcess) -> None:
    """Until so many steps of the run are in its log."""
    deadline = time.monotonic() + 120
    while steps_done(run) < steps:
        assert process.is_alive(), finish(process, run)
        assert time.monotonic() < deadline
        time.sleep(0.002)


def assert_same(one: Path, other: Path, steps: int) -> None:
    """Two runs have the same weights and the same log, in which every step stands once."""
    for file in FILES:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    logged = [json.loads(line)["step"] for line in (one / "metrics.jsonl").read_text().splitlines() if '"lr"' in line]
    assert logged == list(range(1, steps + 1))
