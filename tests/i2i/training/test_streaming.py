"""Runs on a set that is read in blocks, and runs that meet what cannot be read."""

import json
import signal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from training_runs import Command, assert_same, new_run, wait_for

from i2i.config import resolve
from i2i.errors import DataError
from i2i.training import resume, train

STEPS, EVERY = 80, 15


def start(data: Path, out: Path, workers: int) -> Command:
    return new_run(data, out, workers, steps=STEPS, checkpoint_every=EVERY)


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
    assert "Parquet" in start(streamed, run, workers=0).finish()
    return run


def test_a_streamed_run_that_is_killed_ends_with_the_same_bytes(
    streamed: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(streamed, run, workers=2)
    for kill_at, workers in ((20, 1), (50, 0)):
        wait_for(run, kill_at, process)
        process.signal(signal.SIGKILL)
        process.wait()
        process = Command("train", "--resume", run, "--workers", workers)
    process.finish()
    assert_same(run, uninterrupted, STEPS)


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
    assert_same(tmp_path / "run", tmp_path / "whole", 12)
    for sample in (tmp_path / "whole" / "samples").iterdir():
        assert (tmp_path / "run" / "samples" / sample.name).read_bytes() == sample.read_bytes()
