import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flat_images import fill
from numpy.typing import NDArray

from i2i import images
from i2i.data import lab
from i2i.data.dataset import Pairs
from i2i.errors import DataError, UsageError
from i2i.options import build, complete


@pytest.mark.parametrize("layout", ["folders", "ab"])
@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_the_direction_says_which_half_is_the_source(tmp_path: Path, layout: str, direction: Any) -> None:
    halves = [np.full((5, 5, 3), value, np.uint16) for value in (1, 40_000)]
    if layout == "folders":
        for half, folder in zip(halves, ("imageA", "imageB"), strict=True):
            (tmp_path / "train" / folder).mkdir(parents=True)
            images.write(tmp_path / "train" / folder / "x.png", half)
    else:
        (tmp_path / "train").mkdir()
        images.write(tmp_path / "train" / "x.png", np.concatenate(halves, axis=1))
    pair = Pairs(tmp_path, "train", direction=direction)[0]
    for found, expected in zip(pair, halves if direction == "AtoB" else halves[::-1], strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_many_channels_come_through(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "imageA" / "x.npy", 9, channels=7, dtype="uint16")
    fill(tmp_path / "train" / "imageB" / "x.png", 2, channels=1)
    source, target = Pairs(tmp_path, "train").pair(0)
    assert (source.shape, source.dtype, target.shape) == ((4, 8, 7), np.uint16, (4, 8, 1))


@pytest.mark.parametrize("order", [(3, 1), (1, 3), (1, 1, 3)])
def test_gray_among_colour_is_replicated_wherever_it_stands(tmp_path: Path, order: tuple[int, ...]) -> None:
    for index, channels in enumerate(order):
        fill(tmp_path / "train" / "imageA" / f"{index}.png", 5, channels)
        fill(tmp_path / "train" / "imageB" / f"{index}.png", 5, 1)
    pairs = Pairs(tmp_path, "train")
    assert {pairs.pair(i).source.shape for i in range(len(order))} == {(4, 8, 3)}
    assert {pairs.pair(i).target.shape for i in range(len(order))} == {(4, 8, 1)}
    declared = Pairs(tmp_path, "train", source_channels=1, target_channels=3)
    assert (declared.pair(0).source.shape, declared.pair(0).target.shape) == ((4, 8, 1), (4, 8, 3))


def test_channels_that_cannot_become_those_of_the_others_are_named(tmp_path: Path) -> None:
    for name, channels in (("a.png", 3), ("b.npy", 5)):
        fill(tmp_path / "train" / "imageA" / name, 5, channels)
        fill(tmp_path / "train" / "imageB" / name, 5, channels)
    with pytest.raises(DataError, match="b: An image of 5 channels cannot become one of 3"):
        Pairs(tmp_path, "train")[1]


def raw(path: Path, values: NDArray[Any]) -> None:
    """An array as a file that says nothing of its range."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def test_several_columns_are_concatenated_on_channels(tmp_path: Path) -> None:
    for name, value in (("photo", 10), ("mask", 200), ("day", 3)):
        fill(tmp_path / "train" / name / "x.png", value, channels=1 if name == "mask" else 3)
    source, target = Pairs(tmp_path, "train", source=("photo", "mask"), target=("day",)).pair(0)
    assert (source.dtype, source[0, 0].tolist(), target[0, 0].tolist()) == (np.uint8, [10, 10, 10, 200], [3, 3, 3])


def test_columns_of_different_depth_meet_in_minus_one_to_one(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "photo" / "x.png", 255, channels=3)
    raw(tmp_path / "train" / "height" / "x.npy", np.full((4, 8), 750.0))
    fill(tmp_path / "train" / "day" / "x.png", 3)
    pairs = Pairs(tmp_path, "train", source=("photo", "height"), target=("day",), source_range=(None, (0, 1000)))
    source = pairs.pair(0).source
    assert (source.dtype, source[0, 0].tolist()) == (np.float32, [1, 1, 1, 0.5])
    field = pairs.fields["source"]
    assert [(c.name, c.channels, c.range) for c in field.columns] == [("photo", 3, None), ("height", 1, (0, 1000))]


def test_columns_of_different_size_are_named(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "photo" / "x.png", 255)
    fill(tmp_path / "train" / "mask" / "x.png", 255, size=(8, 9))
    with pytest.raises(DataError, match="x: photo 8x4 and mask 9x8"):
        Pairs(tmp_path, "train", source=("photo", "mask"), target=("photo",))[0]


def test_declared_ranges_hold_for_both_sides(tmp_path: Path) -> None:
    raw(tmp_path / "train" / "imageA" / "x.npy", np.full((8, 8), 1023, np.uint16))
    raw(tmp_path / "train" / "imageB" / "x.npy", np.full((8, 8, 5), -20.0))
    pairs = Pairs(tmp_path, "train", source_range=(0, 4092), target_range=(-20, 30))
    source, target = pairs.pair(0)
    assert (source[0, 0].tolist(), target[0, 0].tolist()) == ([-0.5], [-1] * 5)
    assert [field.ranges for field in pairs.fields.values()] == [((0, 4092),), ((-20, 30),)]
    with pytest.raises(images.ImageError, match="from 1023 to 1023, the declared range is 0 to 1000"):
        Pairs(tmp_path, "train", source_range=(0, 1000), target_range=(-20, 30))[0]
    with pytest.raises(images.ImageError, match=r"from -20 to -20\. Declare its range \(source_range or target_range"):
        Pairs(tmp_path, "train")[0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"source_range": (5, 5)}, "smaller and a larger"),
        ({"source_range": ((0, 1), None)}, "2 entries for 1 columns"),
        ({"target_channels": (3, 1)}, "2 entries for 1 columns"),
        ({"colours": "lab", "source_channels": 1}, "leave its channels, range and classes away"),
        ({"colours": "lab", "target_channels": 1}, "one column of RGB"),
        ({"colours": "lab", "source": ("imageA",), "target": ("imageB",)}, r"Leave dataset\.source away"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, options: dict[str, Any], complaint: str) -> None:
    for side in ("imageA", "imageB"):
        fill(tmp_path / "train" / side / "x.png", 1)
    with pytest.raises(UsageError, match=complaint):
        Pairs(tmp_path, "train", **options)


def test_lab_pairs_are_lightness_and_colours_of_the_target(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "imageA" / "x.png", 1, channels=1)
    (tmp_path / "train" / "imageB").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (4, 8, 3), np.uint8)
    images.write(tmp_path / "train" / "imageB" / "x.png", picture)
    pairs = Pairs(tmp_path, "train", colours="lab")
    source, target = pairs.pair(0)
    assert (source.shape, target.shape, source.dtype, target.dtype) == ((4, 8, 1), (4, 8, 2), np.float32, np.float32)
    np.testing.assert_array_equal(lab.join(source, target, np.uint8), picture)
    assert [field.colours for field in pairs.fields.values()] == ["lab", "lab"]
    assert np.array_equal(Pairs(tmp_path, "train", colours="lab", target=("imageB",)).pair(0).target, target)


def test_options_come_as_plain_data_from_the_command_line(tmp_path: Path) -> None:
    for name in ("photo", "mask", "day"):
        fill(tmp_path / "train" / name / "x.png", 4, channels=1)
    given: dict[str, Any] = {"source": ["photo", "mask"], "target": ["day"], "source_channels": [3, 1]}
    given["source_range"] = [None, [0, 8]]
    options = complete(Pairs, given, "dataset")
    assert json.loads(json.dumps(options)) == options
    pairs = build(Pairs, tmp_path, "train", options=options, owner="dataset")
    assert pairs.pair(0).source.shape == (4, 8, 4)
    assert (
        build(Pairs, tmp_path, "train", options={**options, "source_range": [0, 4]}, owner="dataset")[0].source.max()
        == 1
    )


def test_a_dataset_that_has_problems_is_refused_with_their_number(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "imageA" / "x.png", 1)
    fill(tmp_path / "train" / "imageB" / "y.png", 1)
    with pytest.raises(DataError, match=r"'x' has no partner in imageB.*2 such problems in all; `i2i data check`"):
        Pairs(tmp_path, "train")
