"""Samples of the report: what is given once, what was made at each step, and few of many."""

import base64
import itertools
from pathlib import Path

import numpy as np
import pytest

from i2i import images
from i2i.pairs import Pixels
from i2i.training.pictures import Pictures
from i2i_loggers.strip import FRAMES, WIDEST, Strip, chosen


def tile(value: int, side: int = 24) -> Pixels:
    return np.full((side, side, 3), value, np.uint8)


def draw(folder: Path, step: int, values: list[int], count: int = 2) -> None:
    """A picture of both directions, each column of one gray."""
    titles = ["source", "as target", "target", "as source"]
    row = {title: tile(value) for title, value in zip(titles, values, strict=True)}
    Pictures(folder, 2, lambda step: True).draw(step, [row] * count, ["source", "target"])


def gray(address: str) -> tuple[tuple[int, ...], int]:
    """Size and gray of a picture."""
    pixels = images.read(base64.b64decode(address.partition(",")[2])).pixels
    assert int(pixels.max()) - int(pixels.min()) <= 2
    return pixels.shape[:2], round(float(pixels.mean()))


def test_each_direction_is_made_anew_and_what_is_given_is_there_once(tmp_path: Path) -> None:
    strip = Strip(tmp_path)
    assert strip.shown() is None
    draw(tmp_path, 0, [10, 50, 100, 150])
    draw(tmp_path, 5, [10, 60, 100, 160])
    shown = strip.shown()
    assert shown is not None
    assert shown.columns == ["source", "as target", "target", "as source"]
    assert {title: gray(address)[0] for title, address in shown.given.items()} == {
        "source": (48, 24),
        "target": (48, 24),
    }
    grays = {title: gray(address)[1] for title, address in shown.given.items()}
    grays |= {f"{title} {each.step}": gray(address)[1] for each in shown.frames for title, address in each.made.items()}
    expected = {"source": 10, "target": 100, "as target 0": 50, "as source 0": 150, "as target 5": 60}
    assert grays == pytest.approx(expected | {"as source 5": 160}, abs=2)


def test_a_picture_that_is_drawn_again_is_looked_at_again(tmp_path: Path) -> None:
    strip = Strip(tmp_path)
    draw(tmp_path, 4, [10, 50, 100, 150])
    strip.shown()
    draw(tmp_path, 4, [10, 90, 100, 150])
    strip.forget(4)
    shown = strip.shown()
    assert shown is not None
    assert gray(shown.frames[0].made["as target"])[1] == pytest.approx(90, abs=2)


def test_pictures_of_other_items_than_the_newest_are_left_out(tmp_path: Path) -> None:
    draw(tmp_path, 0, [10, 50, 100, 150], count=3)
    draw(tmp_path, 5, [10, 60, 100, 160], count=2)
    shown = Strip(tmp_path).shown()
    assert shown is not None
    assert ([frame.step for frame in shown.frames], shown.rows) == ([5], 2)


def test_large_images_are_made_small(tmp_path: Path) -> None:
    row = {"source": tile(10, 2 * WIDEST), "output": tile(20, 2 * WIDEST)}
    Pictures(tmp_path, 2, lambda step: True).draw(0, [row], ["source"])
    shown = Strip(tmp_path).shown()
    assert shown is not None
    assert shown.width == WIDEST
    assert gray(shown.given["source"])[0] == (WIDEST, WIDEST)


@pytest.mark.parametrize("count", [1, FRAMES, FRAMES + 1, 700])
def test_frames_are_few_and_evenly_spread_with_the_first_and_the_newest(count: int) -> None:
    steps = [10 * number for number in range(count)]
    kept = chosen(steps)
    assert (kept[0], kept[-1]) == (steps[0], steps[-1])
    assert len(kept) <= FRAMES + 1
    gaps = [later - earlier for earlier, later in itertools.pairwise(kept[:-1])]
    assert len(set(gaps)) <= 1
