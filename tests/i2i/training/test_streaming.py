"""Runs on a set that is read in blocks, and runs that lose what they read with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from i2i.config import resolve
from i2i.errors import DataError
from i2i.training import resume, train

STEPS = 80
FILES = ("model/generator.safetensors", "model-last/generator.safetensors", "metrics.jsonl")


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from i2i.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def new_run(data: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    settings = [
        *("generator.depth=2", "generator.base_channels=4", "discriminator.layers=1", "discriminator.base_channels=4"),
        *("training.threads=1", "training.checkpoint_every=15", "validation.every=40", "validation.images=1"),
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    return start(
        *("train", "--plugin", "pix2pix", "--data", data, "--out", out, "--size", 16, "--steps", STEPS),
        *("--workers", workers, *flags),
    )


def wait_for(run: Path, steps: int, process: subprocess.Popen[str]) -> None:
    log, deadline = run / "metrics.jsonl", time.monotonic() + 120
    while not log.exists() or log.read_bytes().count(b'"lr"') < steps:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out + err


def readers(leader: int) -> list[int]:
    """Process ids of the children that read."""
    children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    return [int(child) for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.fixture(scope="module")
def streamed(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared pairs as Parquet files, two pairs in each row group."""
    root = tmp_path_factory.mktemp("streamed")
    for split in ("train", "val"):
        columns = {
            side: [file.read_bytes() for file in sorted((shared_pairs / split / side).iterdir())]
            for side in ("imageA", "imageB")
        }
        pq.write_table(pa.table(columns), root / f"{split}-00000-of-00001.parquet", row_group_size=2)
    return root


@pytest.fixture(scope="module")
def uninterrupted(streamed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    said = finish(new_run(streamed, run, workers=0))
    assert "Parquet" in said
    return run


def assert_same(one: Path, other: Path) -> None:
    for file in FILES:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file


def test_a_streamed_run_that_is_killed_ends_with_the_same_bytes(
    streamed: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = new_run(streamed, run, workers=2)
    for kill_at, workers in ((20, 1), (50, 0)):
        wait_for(run, kill_at, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        process = start("train", "--resume", run, "--workers", workers)
    finish(process)
    assert_same(run, uninterrupted)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the readers in /proc")
def test_a_run_whose_readers_are_killed_goes_on_to_the_same_bytes(
    streamed: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = new_run(streamed, run, workers=2)
    for number, kill_at in enumerate((5, 50)):
        wait_for(run, kill_at, process)
        found = readers(process.pid)
        assert len(found) == 2
        os.kill(found[number], signal.SIGKILL)
    finish(process)
    assert_same(run, uninterrupted)


def test_a_held_out_image_that_cannot_be_read_costs_no_step(pairs_folder: Path, tmp_path: Path) -> None:
    settings = {
        "recipe": {"name": "pix2pix"},
        "generator": {"depth": 2, "base_channels": 4},
        "discriminator": {"layers": 1, "base_channels": 4},
        "data": {"path": str(pairs_folder), "crop": 16, "workers": 0},
        "training": {"steps": 12, "threads": 1, "checkpoint_every": 100},
        "validation": {"every": 6, "samples": 2, "images": 2},
    }
    train(resolve([settings]), tmp_path / "whole")
    broken = pairs_folder / "val" / "imageB" / "07.png"
    image = broken.read_bytes()
    broken.write_bytes(image[:-40])  # only the first held-out pair is read before the run begins
    with pytest.raises(DataError, match=r"07"):
        train(resolve([settings]), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "checkpoints" / "latest.json").read_text())["checkpoint"] == "step-000000006"
    broken.write_bytes(image)
    assert resume(tmp_path / "run").step == 12
    assert_same(tmp_path / "run", tmp_path / "whole")
    for sample in (tmp_path / "whole" / "samples").iterdir():
        assert (tmp_path / "run" / "samples" / sample.name).read_bytes() == sample.read_bytes()
