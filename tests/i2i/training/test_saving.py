"""Runs whose saves are written as late as can be: when the next step wants to change what they are of."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from training_runs import TINY, tiny

from i2i.config import RunConfig, resolve
from i2i.training import InterruptedRunError, resume, train
from i2i.training.saver import Saver
from i2i.training.saving import Saving
from i2i.training.snapshot import Snapshot
from i2i.training.tensor_file import TensorFile

# a checkpoint after steps 2 and 4, the best model after step 3
COMMON: dict[str, Any] = {
    "data": TINY["data"],
    "training": {"steps": 4, "threads": 1, "checkpoint_every": 2, "keep": 9, "accumulate": 2},
    "validation": {**TINY["validation"], "every": 3},
}
NETWORK = {"norm": "batch", "base_channels": 2}
RUNS: dict[str, dict[str, Any]] = {
    "pix2pix": {
        "recipe": {"name": "pix2pix"},
        "generator": {"depth": 2, **NETWORK},
        "discriminator": {"layers": 1, **NETWORK},
        "average": {"generator": 0.75, "discriminator": {"width": 0.1}},
    },
    "cyclegan": {
        "recipe": {"name": "cyclegan", "pool": 3},
        "dataset": {"name": "pairs"},
        **{part: {"name": "resnet", "blocks": 1, **NETWORK} for part in ("generator", "generator_back")},
        **{part: {"layers": 1, **NETWORK} for part in ("discriminator", "discriminator_back")},
    },
}


def config_of(run: str, data: Path) -> RunConfig:
    return resolve([COMMON, {"data": {"path": str(data)}}, RUNS[run]])


class Late:
    """Lets savers write once an update, or the loop itself, waits for them, and then slowly."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.waited = set[str]()
        """Networks whose updates have waited."""
        self.beside: Callable[[], object] = lambda: None
        """Is called in the saver's thread before each file."""
        self._wanted, self._written = threading.Event(), 0
        init, wait, write, finished = Snapshot.__init__, Snapshot.wait, TensorFile.write, Saver.wait

        def begin(snapshot: Snapshot, *given: Any) -> None:
            self._wanted.clear()
            init(snapshot, *given)

        def update(snapshot: Snapshot, networks: Iterable[str]) -> None:
            before = self._written
            self._wanted.set()
            wait(snapshot, networks)
            self.waited.update(networks if self._written > before else ())

        def written(file: TensorFile) -> None:
            if threading.current_thread() is not threading.main_thread():
                assert self._wanted.wait(30)
                self.beside()
                time.sleep(0.005)
                self._written += 1
            write(file)

        def loop_waits(saver: Saver) -> None:
            if saver._thread:
                self._wanted.set()
            finished(saver)

        for cls, name, replaced in (
            (Snapshot, "__init__", begin),
            (Snapshot, "wait", update),
            (TensorFile, "write", written),
            (Saver, "wait", loop_waits),
        ):
            patch.setattr(cls, name, replaced)


def train_alone(run: str, data: Path, out: Path) -> dict[str, bytes]:
    """Train with steps that wait until all is saved; returns what is."""
    begin = Saving._beside_steps

    def stand_still(saving: Saving, *given: Any) -> None:
        begin(saving, *given)
        saving.saver.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Saving, "_beside_steps", stand_still)
        train(config_of(run, data), out)
    return saved(out)


def saved(run: Path) -> dict[str, bytes]:
    """Return all files of the run's checkpoints and models, by name."""
    folders = (run / name for name in ("checkpoints", "model", "model-last"))
    return {str(p.relative_to(run)): p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("run", RUNS)
def test_what_is_saved_beside_steps_is_to_the_byte_what_is_saved_without(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    alone = train_alone(run, shared_pairs, tmp_path / "alone")
    assert {name.split("/")[1] for name in alone if name.startswith("checkpoints/step")} == {
        f"step-{step:09d}" for step in (2, 4)
    }
    late = Late(monkeypatch)
    train(config_of(run, shared_pairs), tmp_path / "beside")
    assert saved(tmp_path / "beside") == alone
    assert late.waited


def test_a_signal_while_a_save_is_written_loses_nothing(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = train_alone("pix2pix", shared_pairs, tmp_path / "alone")
    late, signals = Late(monkeypatch), [signal.SIGTERM]

    def send() -> None:
        while signals:
            os.kill(os.getpid(), signals.pop())

    late.beside = send
    with pytest.raises(InterruptedRunError, match="Stopped at step 3; saved"):
        train(config_of("pix2pix", shared_pairs), tmp_path / "run")
    resume(tmp_path / "run")
    stopped = {name: data for name, data in saved(tmp_path / "run").items() if "step-000000003" not in name}
    assert stopped == alone


def test_the_last_model_is_the_checkpoint_under_a_second_name(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs, training={"steps": 2}), tmp_path / "run")
    weights = tmp_path / "run/checkpoints/step-000000002/model/generator.safetensors"
    assert weights.samefile(tmp_path / "run/model-last/generator.safetensors")
