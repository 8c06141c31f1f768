"""The logger `tensorboard`: what TensorBoard's own reader finds in its files."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images
from i2i_loggers import TensorBoard

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "logs" / "tensorboard"))
    events.Reload()
    return events


def hear(folder: Path, done: int, total: int, offset: float = 0.0) -> None:
    """A logger hears a run from a step on."""
    logger = TensorBoard(folder, every=2)
    logger.started({"recipe": "pix2pix"}, done, total)
    logger.advanced([{"step": step, "epoch": 1, "g/l1": step / 8 + offset} for step in range(done + 1, total + 1)])
    logger.validated(total, {"psnr": 20.5}, True)
    logger.ended("Done")


def test_curves_have_every_other_step_when_that_is_asked_for(tmp_path: Path) -> None:
    hear(tmp_path, 0, 5)
    points = read(tmp_path).Scalars("g/l1")
    assert [(point.step, point.value) for point in points] == [(2, 0.25), (4, 0.5)]
    assert read(tmp_path).Scalars("validation/psnr")[0].value == 20.5


def test_steps_that_are_made_again_take_the_place_of_what_they_were(tmp_path: Path) -> None:
    hear(tmp_path, 0, 6)
    hear(tmp_path, 2, 6, offset=1.0)
    points = read(tmp_path).Scalars("g/l1")
    assert [(point.step, point.value) for point in points] == [(2, 0.25), (4, 1.5), (6, 1.75)]


def test_a_figure_that_is_not_finite_is_left_out(tmp_path: Path) -> None:
    logger = TensorBoard(tmp_path, every=1)
    logger.started({}, 0, 1)
    logger.advanced([{"step": 1, "g/l1": None, "g/l2": 0.5}])
    logger.ended("Done")
    assert read(tmp_path).Tags()["scalars"] == ["g/l2"]


def test_samples_are_kept_to_the_pixel(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    images.write(tmp_path / "step.png", pixels)
    logger = TensorBoard(tmp_path)
    logger.started({}, 0, 1)
    logger.pictured(1, tmp_path / "step.png")
    logger.ended("Done")
    (image,) = read(tmp_path).Images("samples")
    (tmp_path / "kept.png").write_bytes(image.encoded_image_string)
    with Image.open(tmp_path / "kept.png") as kept:
        assert np.array_equal(np.asarray(kept), pixels)
    assert image.step == 1
    assert math.isfinite(image.wall_time)
