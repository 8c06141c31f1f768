from pathlib import Path

import numpy as np
import pytest

from i2i import images
from i2i.data.folders import PairFolder
from i2i.errors import DataError, MissingInputError


def fill(
    folder: Path, name: str, value: int, channels: int = 3, size: tuple[int, int] = (8, 8), dtype: str = "uint8"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images.write(folder / name, np.full((*size, channels), value, dtype))


def test_a_dataset_folder_is_matched_by_name_whatever_the_suffix(tmp_path: Path) -> None:
    for name, value in (("b.png", 2), ("a.png", 1)):
        fill(tmp_path / "train" / "imageA", name, value)
    fill(tmp_path / "train" / "imageB", "a.webp", 11)
    fill(tmp_path / "train" / "imageB", "b.jpg", 12)
    pairs = PairFolder(tmp_path, "train")
    assert (pairs.layout, pairs.names, len(pairs)) == ("folders", ["a", "b"], 2)
    assert [int(pairs[i].source.mean()) for i in (0, 1)] == [1, 2]
    assert [int(pairs[i].target.mean()) for i in (0, 1)] == [11, 12]


def test_ab_files_are_cut_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    both = np.concatenate([np.full((6, 5, 3), 1, np.uint16), np.full((6, 5, 3), 40_000, np.uint16)], axis=1)
    images.write(tmp_path / "train" / "x.png", both)
    pairs = PairFolder(tmp_path, "train")
    assert pairs.layout == "ab"
    source, target = pairs[0]
    assert (source.shape, source.dtype, target.dtype) == ((6, 5, 3), np.uint16, np.uint16)
    assert (source.max(), target.min()) == (1, 40_000)


@pytest.mark.parametrize("layout", ["folders", "ab"])
def test_direction_swaps_the_halves(tmp_path: Path, layout: str) -> None:
    if layout == "folders":
        fill(tmp_path / "train" / "imageA", "x.png", 1)
        fill(tmp_path / "train" / "imageB", "x.png", 2)
    else:
        (tmp_path / "train").mkdir()
        images.write(tmp_path / "train" / "x.png", np.repeat(np.array([[[1], [2]]], np.uint8), 4, axis=1))
    assert int(PairFolder(tmp_path, "train", direction="BtoA")[0].source[0, 0, 0]) == 2
    assert int(PairFolder(tmp_path, "train", direction="AtoB")[0].source[0, 0, 0]) == 1


def test_many_channels_come_through(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "imageA", "x.npy", 9, channels=7, dtype="uint16")
    fill(tmp_path / "train" / "imageB", "x.png", 2, channels=1)
    source, target = PairFolder(tmp_path, "train")[0]
    assert (source.shape, source.dtype, target.shape) == ((8, 8, 7), np.uint16, (8, 8, 1))


def test_a_lonely_image_is_named_with_the_nearest(tmp_path: Path) -> None:
    for name in ("house1.png", "house2.png"):
        fill(tmp_path / "train" / "imageA", name, 1)
    for name in ("house1.png", "house_2.png"):
        fill(tmp_path / "train" / "imageB", name, 1)
    with pytest.raises(DataError, match=r"'house2' has no partner in imageB.*Did you mean 'house_2'"):
        PairFolder(tmp_path, "train")


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "imageA", "x.png", 1)
    fill(tmp_path / "train" / "imageA", "x.jpg", 1)
    fill(tmp_path / "train" / "imageB", "x.png", 1)
    with pytest.raises(DataError, match=r"'x\.jpg' and 'x\.png' have the same name"):
        PairFolder(tmp_path, "train")


@pytest.mark.parametrize("order", [(3, 1), (1, 3), (1, 1, 3)])
def test_gray_among_colour_is_replicated_wherever_it_stands(tmp_path: Path, order: tuple[int, ...]) -> None:
    for index, channels in enumerate(order):
        fill(tmp_path / "train" / "imageA", f"{index}.png", 5, channels)
        fill(tmp_path / "train" / "imageB", f"{index}.png", 5, 1)
    pairs = PairFolder(tmp_path, "train")
    assert {pairs[i].source.shape for i in range(len(order))} == {(8, 8, 3)}
    assert {pairs[i].target.shape for i in range(len(order))} == {(8, 8, 1)}
    declared = PairFolder(tmp_path, "train", source_channels=1, target_channels=3)
    assert (declared[0].source.shape, declared[0].target.shape) == ((8, 8, 1), (8, 8, 3))


def test_channels_that_cannot_become_those_of_the_others_are_named(tmp_path: Path) -> None:
    for name, channels in (("a.png", 3), ("b.npy", 5)):
        fill(tmp_path / "train" / "imageA", name, 5, channels)
        fill(tmp_path / "train" / "imageB", name, 5, channels)
    with pytest.raises(DataError, match="b: An image of 5 channels cannot become one of 3"):
        PairFolder(tmp_path, "train")[1]


def test_what_is_not_laid_out_as_pairs_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="has no folder 'train'"):
        PairFolder(tmp_path, "train")
    fill(tmp_path / "train" / "imageA", "x.png", 1)
    with pytest.raises(DataError, match="imageA/NAME and imageB/NAME"):
        PairFolder(tmp_path, "train")


def test_an_odd_width_is_no_ab_file(tmp_path: Path) -> None:
    fill(tmp_path / "train", "x.png", 1, size=(4, 7))
    with pytest.raises(DataError, match=r"x: it is 7 pixels wide.*even width"):
        PairFolder(tmp_path, "train")[0]
