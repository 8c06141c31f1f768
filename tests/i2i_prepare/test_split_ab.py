"""A|B files are cut where their halves meet, and nothing is lost on the way there and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.options import build
from i2i.pairs import Pixels
from i2i.preparation import prepare
from i2i_prepare.halves import SplitAB


def noise(height: int, width: int, channels: int = 3, dtype: str = "uint8", seed: int = 0) -> Pixels:
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_concat_and_split_ab_are_each_others_reverse(tmp_path: Path, dtype: str, channels: int) -> None:
    for seed, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        images.write(tmp_path / folder / "1.png", noise(20, 30, channels, dtype, seed))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    prepare("concat", [tmp_path / "a", tmp_path / "b"], whole, layout="ab", workers=1, val=0)
    prepare("split-ab", [whole / "train"], parts, workers=1, val=0)
    for folder, half in (("a", "imageA"), ("b", "imageB")):
        (file,) = (parts / "train" / half).iterdir()
        np.testing.assert_array_equal(images.read(file).pixels, images.read(tmp_path / folder / "1.png").pixels)
        assert images.read(file).pixels.dtype == dtype


def test_floats_of_many_channels_are_cut_as_well() -> None:
    whole = np.linspace(-1, 1, 4 * 10 * 5, dtype=np.float32).reshape(4, 10, 5)
    pair = SplitAB()(whole)
    np.testing.assert_array_equal(np.hstack(pair), whole)
    assert pair.source.dtype == np.float32


@pytest.mark.parametrize(("source", "target"), [(1, 2), (3, 1), (2, 3)])
def test_panels_are_counted_from_the_left_and_gaps_left_out(source: int, target: int) -> None:
    panels = [noise(6, 7, seed=seed) for seed in range(3)]
    line = np.zeros((6, 2, 3), np.uint8)
    whole = np.hstack([panels[0], line, panels[1], line, panels[2]])
    pair = SplitAB(panels=3, gap=2, source=source, target=target)(whole)
    np.testing.assert_array_equal(pair.source, panels[source - 1])
    np.testing.assert_array_equal(pair.target, panels[target - 1])


def test_halves_are_brought_to_the_size_that_is_asked_for() -> None:
    whole = np.hstack([np.zeros((8, 16, 3), np.uint8), np.full((8, 16, 3), 200, np.uint8)])
    source, target = SplitAB(size=4)(whole)
    assert source.shape == target.shape == (4, 4, 3)
    assert source.max() == 0  # nothing of the other half is averaged into it
    assert target.min() == 200


def test_the_pair_does_not_hold_the_whole_image() -> None:
    whole = noise(4, 8)
    assert not any(np.shares_memory(half, whole) for half in SplitAB()(whole))


@pytest.mark.parametrize(("panels", "gap", "width"), [(2, 0, 513), (3, 0, 512), (2, 1, 512), (3, 4, 8)])
def test_a_width_that_is_not_of_equal_panels_is_refused(panels: int, gap: int, width: int) -> None:
    with pytest.raises(DataError, match=f"{width} pixels wide is not {panels} panels of equal width"):
        SplitAB(panels=panels, gap=gap)(np.zeros((4, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": 3}, "no panel 3 of 2"),
        ({"source": 2}, "both panel 2"),
        ({"panels": 1}, "greater than or equal to 2"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(SplitAB, options=options, owner="preparer 'split-ab'")


def test_published_splits_are_kept_and_half_of_one_is_divided(tmp_path: Path) -> None:
    for number, name in enumerate(["train/1", "train/2", "val/3", "test/4"]):
        (tmp_path / "facades" / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(tmp_path / "facades" / f"{name}.png", noise(20, 60, seed=number))
    report = prepare("split-ab", [tmp_path / "facades"], tmp_path / "out", workers=1)
    assert report.splits == {"train": 2, "val": 1, "test": 1}
    assert (tmp_path / "out" / "test" / "imageA" / "4.png").is_file()
    report = prepare("split-ab", [tmp_path / "facades" / "train"], tmp_path / "half", val=0.5, workers=1)
    assert report.splits == {"train": 1, "val": 1, "test": 0}
