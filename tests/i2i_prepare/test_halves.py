"""Two folders, and both halves of an image, become pairs that are what the files were."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.options import build
from i2i.pairs import Pixels
from i2i.preparation import plan, prepare
from i2i_prepare.halves import Concat, SplitAB


def ramp(height: int, width: int, channels: int, dtype: str = "uint8") -> Pixels:
    top = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    return np.linspace(0, top, height * width * channels).reshape(height, width, channels).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pair_is_what_was_given(dtype: str) -> None:
    source, target = ramp(6, 9, 1, "uint8"), ramp(6, 9, 5, dtype)
    pair = Concat()(source, target)
    np.testing.assert_array_equal(pair.source, source)
    np.testing.assert_array_equal(pair.target, target)
    assert pair.target.dtype == dtype


def test_different_sizes_are_refused_unless_a_size_is_asked_for() -> None:
    with pytest.raises(DataError, match="The source is 9x6 and its target 12x8"):
        Concat()(ramp(6, 9, 3), ramp(8, 12, 3))
    pair = Concat(size=4)(ramp(6, 9, 3), ramp(8, 12, 3, "uint16"))
    assert pair.source.shape == pair.target.shape == (4, 4, 3)
    assert (pair.source.dtype, pair.target.dtype) == (np.uint8, np.uint16)


def folders(root: Path, names: dict[str, dict[str, int]]) -> list[Path]:
    """Folders of noise: folder -> path below it -> seed of the noise."""
    for folder, files in names.items():
        for name, seed in files.items():
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
            images.write(root / folder / name, np.random.default_rng(seed).integers(0, 255, (20, 24, 3)).astype("u1"))
    return [root / folder for folder in names]


def test_pairs_with_one_target_come_to_one_split(tmp_path: Path) -> None:
    sources = {f"{i:02}.png": i for i in range(20)}
    a, b = folders(tmp_path, {"a": sources, "b": {name: 100 + i // 2 for name, i in sources.items()}})
    report = prepare("concat", [a, b], tmp_path / "out", val=0.3, workers=1)
    split_of = {row.name: row.split for row in report.rows}
    assert report.splits["val"] == 6
    assert all(split_of[f"{i:02}"] == split_of[f"{i + 1:02}"] for i in range(0, 20, 2))


def test_blank_targets_tie_nothing_together(tmp_path: Path) -> None:
    a, b = folders(tmp_path, {"a": {f"{i}.png": i for i in range(10)}, "b": {f"{i}.png": 0 for i in range(10)}})
    for file in b.iterdir():
        images.write(file, np.full((20, 24, 1), 255, np.uint8))
    assert prepare("concat", [a, b], tmp_path / "out", val=0.3, workers=1).splits["val"] == 3


def test_published_splits_are_kept(tmp_path: Path) -> None:
    names = {"train/x.png": 0, "train/y.png": 1, "test/z.png": 2, "val/w/u.png": 3}
    sources = folders(tmp_path, {"a": names, "b": {name: seed + 50 for name, seed in names.items()}})
    report = prepare("concat", sources, tmp_path / "out", workers=1)
    assert {row.name: row.split for row in report.rows} == {name[:-4]: name.split("/")[0] for name in names}
    files = {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").glob("*/imageB/*")}
    assert files == {
        f"{place}.png" for place in ("train/imageB/x", "train/imageB/y", "test/imageB/z", "val/imageB/w__u")
    }
    assert "divided already" in report.remarks[0]
    assert "divided already" in plan("concat", sources, tmp_path / "new")
    with pytest.raises(UsageError, match=r"into test/ and train/ and val/.*Leave out --val"):
        prepare("concat", sources, tmp_path / "new", val=0.2, workers=1)


def noise(height: int, width: int, channels: int = 3, dtype: str = "uint8", seed: int = 0) -> Pixels:
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype, endpoint=True)


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 3), ("uint16", 1)])
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
