"""Runs that are stopped, or meet what cannot be read, end with the bytes of one that was not."""

import json
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from training_runs import Heard, assert_same

from i2i.config import RunConfig, resolve
from i2i.errors import DataError
from i2i.training import InterruptedRunError, resume, train
from i2i.training.reporting import Reporter


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


SETTINGS = {
    "recipe": {"name": "pix2pix"},
    "generator": {"depth": 2, "base_channels": 4},
    "discriminator": {"layers": 1, "base_channels": 4},
    "data": {"crop": 16, "workers": 0},
    "training": {"steps": 12, "threads": 1, "checkpoint_every": 100},
    "validation": {"every": 6, "samples": 2, "images": 2},
}


def config_of(folder: Path) -> RunConfig:
    return resolve([SETTINGS, {"data": {"path": str(folder)}}])


class Stops(Reporter):
    """Sends a signal to this process, as a person does, after the first validation."""

    def __init__(self, number: int) -> None:
        self.number = number

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_streamed_run_that_is_stopped_ends_with_the_same_bytes(
    streamed: Path, tmp_path: Path, number: signal.Signals
) -> None:
    train(config_of(streamed), tmp_path / "whole")
    with pytest.raises(InterruptedRunError, match=r"^Stopped at step 7; saved\. Go on with: i2i train --resume "):
        train(config_of(streamed), tmp_path / "run", Stops(number))
    assert resume(tmp_path / "run").step == 12
    assert_same(tmp_path / "run", tmp_path / "whole", 12)


def test_damage_to_the_last_checkpoint_costs_one_interval(pairs_folder: Path, tmp_path: Path) -> None:
    train(config_of(pairs_folder).change(training={"checkpoint_every": 5}), tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "whole")
    last = tmp_path / "run" / "checkpoints" / "step-000000012" / "recipe.safetensors"
    last.write_bytes(last.read_bytes()[:-1])
    heard = Heard()
    assert resume(tmp_path / "run", reporter=heard).begun == 10
    assert heard.warnings == [f"{last} is damaged. Going on from the checkpoint before it."]
    assert_same(tmp_path / "run", tmp_path / "whole", 12)


def test_a_held_out_image_that_cannot_be_read_costs_no_step(pairs_folder: Path, tmp_path: Path) -> None:
    config = config_of(pairs_folder).change(validation={"samples": 1})
    train(config, tmp_path / "whole")
    broken = pairs_folder / "val" / "imageB" / "07.png"
    image = broken.read_bytes()
    broken.write_bytes(image[:-40])  # only the first held-out pair is measured and drawn before the first step
    with pytest.raises(DataError, match=r"07"):
        train(config, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "checkpoints" / "latest.json").read_text())["checkpoint"] == "step-000000006"
    broken.write_bytes(image)
    assert resume(tmp_path / "run").step == 12
    assert_same(tmp_path / "run", tmp_path / "whole", 12)
    for sample in (tmp_path / "whole" / "samples").iterdir():
        assert (tmp_path / "run" / "samples" / sample.name).read_bytes() == sample.read_bytes()
