"""Folders of images: what is detected, which rows it has, and what is said of the rest."""

from pathlib import Path

import numpy as np
import pytest
from flat_images import EXPECTED, both_sides, fill, values

from i2i import images
from i2i.data.dataset import Pairs
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import PAIRS, choose
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError


@pytest.mark.parametrize("pair", PAIRS)
def test_folders_of_known_names_are_columns_in_a_split_and_at_the_top(tmp_path: Path, pair: tuple[str, str]) -> None:
    a, b = pair
    for root in (tmp_path / "split" / "train", tmp_path / "top"):
        both_sides(root, a, b)
    fill(tmp_path / "split" / "train" / "depth" / "one.png", 9)
    for root in (tmp_path / "split", tmp_path / "top"):
        table = open_table(root, "train")
        assert (splits_of(root), list(table.columns), table.layout) == (["train"], [a, b], f"folders {a} and {b}")
        assert values(root) == EXPECTED


@pytest.mark.parametrize(
    "folders",
    [
        *[("trainA", "trainB"), ("train_A", "train_B"), ("train-A", "train-B"), ("train_label", "train_photo")],
        *[("train_source", "train_target"), ("A/train", "B/train"), ("source/train", "target/train")],
    ],
)
def test_two_folders_a_split_are_found(tmp_path: Path, folders: tuple[str, str]) -> None:
    both_sides(tmp_path, *folders)
    both_sides(tmp_path, *(folder.replace("train", "test") for folder in folders))
    assert splits_of(tmp_path) == ["train", "test"]
    assert open_table(tmp_path, "train").layout == f"folders {folders[0]} and {folders[1]}"
    assert values(tmp_path) == values(tmp_path, "test") == EXPECTED


def test_columns_that_are_named_may_be_called_anything(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "night", "day")
    fill(tmp_path / "train" / "depth" / "two.png", 9)
    assert values(tmp_path, columns=("night", "day")) == EXPECTED
    table = open_table(tmp_path, "train", columns=("night", "day", "depth"))
    assert list(table.names) == ["two"]
    assert [problem.name for problem in table.problems] == ["one"]
    both_sides(tmp_path / "joined", "train_left", "train_right")
    both_sides(tmp_path / "top", "left", "right")
    for root in (tmp_path / "joined", tmp_path / "top"):
        assert values(root, columns=("left", "right")) == EXPECTED


def test_columns_of_unknown_names_are_not_taken_for_halves(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "night", "day")
    fill(tmp_path / "train" / "day" / "three.png", 3)
    with pytest.raises(DataError, match=r"of the same names in day, night.*dataset\.source=\[day\].*layout=ab"):
        open_table(tmp_path, "train")
    assert len(open_table(tmp_path, "train", "ab").names) == 5
    fill(tmp_path / "train" / "both.png", 3)  # beside the folders: files of the top
    assert len(open_table(tmp_path, "train").names) == 6
    both_sides(tmp_path / "top", "a", "b")
    with pytest.raises(DataError, match=r"same names in a, b\. Say which is what, such as --set dataset\.source=\[a\]"):
        splits_of(tmp_path / "top")


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    for ask in (splits_of, lambda root, columns: open_table(root, "train", columns=columns)):
        with pytest.raises(UsageError, match=r"no column 'nosuch'\. Columns: imageA, imageB"):
            ask(tmp_path, columns=("imageA", "nosuch"))


def test_columns_are_the_named_ones_or_a_known_pair() -> None:
    there = ["image", "conditioning_image", "depth"]
    assert choose(there, (), (), "AtoB") == (("conditioning_image",), ("image",))
    assert choose(there, (), (), "BtoA") == (("image",), ("conditioning_image",))
    assert choose(there, ("image", "depth"), ("image",), "AtoB") == (("image", "depth"), ("image",))
    with pytest.raises(UsageError, match="Did you mean 'depth'"):
        choose(there, ("dept",), ("image",), "AtoB")
    with pytest.raises(UsageError, match="Name both"):
        choose(there, ("depth",), (), "AtoB")
    with pytest.raises(UsageError, match="other way round"):
        choose(there, ("depth",), ("image",), "BtoA")
    with pytest.raises(DataError, match="Which column is the source"):
        choose(["left", "right"], (), (), "AtoB")


def test_folders_of_categories_hidden_ones_and_those_of_systems_are_no_splits(tmp_path: Path) -> None:
    for kind in ("cats", "dogs"):
        both_sides(tmp_path / "kinds", f"A/{kind}", f"B/{kind}")
    assert splits_of(tmp_path / "kinds") == ["train"]
    assert list(open_table(tmp_path / "kinds", "train").names) == ["cats/one", "cats/two", "dogs/one", "dogs/two"]
    for folder in ("train", ".cache", "__MACOSX"):
        both_sides(tmp_path / "plain" / folder, "A", "B")
    assert splits_of(tmp_path / "plain") == ["train"]


@pytest.mark.parametrize("stored", ["val", "validation", "valid"])
def test_splits_are_known_by_the_names_that_others_give_them(tmp_path: Path, stored: str) -> None:
    for split in (stored, "test", "train", "extra"):
        both_sides(tmp_path / split, "A", "B")
    assert splits_of(tmp_path) == ["train", stored, "test", "extra"]
    assert values(tmp_path, "val") == values(tmp_path, "extra") == EXPECTED
    both_sides(tmp_path / "dev", "A", "B")
    with pytest.raises(DataError, match=r"has the splits '\w+' and '\w+', which are one"):
        open_table(tmp_path, "train")


def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="There is no dataset"):
        Pairs(tmp_path / "nowhere", "train")
    with pytest.raises(MissingInputError, match="Write hf:// in front"):
        open_table("nobody/nothing", "train")
    with pytest.raises(DataError, match=r"is not laid out as pairs.*imageA/NAME and imageB/NAME"):
        Pairs(tmp_path, "train")
    fill(tmp_path / "train" / "imageA" / "x.png", 1)
    with pytest.raises(DataError, match=r"train/imageA has no folder imageB beside it\. Add it"):
        Pairs(tmp_path, "train")
    both_sides(tmp_path / "train", "imageA", "imageB")
    both_sides(tmp_path / "test", "imageA", "imageB")
    with pytest.raises(MissingSplitError, match="has no split 'val', it has 'train', 'test'"):
        open_table(tmp_path, "val")
    with pytest.raises(DataError, match="not laid out as 'twofolders'"):
        open_table(tmp_path, "train", "twofolders")


def test_unpaired_and_doubled_files_are_problems_and_no_rows(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    for lonely in ("imageA/house1.png", "imageB/house_1.png", "imageA/two.webp"):
        fill(tmp_path / "train" / lonely, 1)
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["one"]
    told = {problem.name: (problem.reason, problem.message) for problem in table.problems}
    assert {name: reason for name, (reason, _) in told.items()} == {
        "two": "same-name",
        "house1": "no-partner",
        "house_1": "no-partner",
    }
    assert told["house1"][1].endswith("'house1' has no partner in imageB. Did you mean 'house_1'?")
    assert "'two.png' and 'two.webp' have the same name" in told["two"][1]


def test_an_expression_says_which_files_are_partners(tmp_path: Path) -> None:
    for number in range(3):
        fill(tmp_path / "A" / f"left_{number}.png", number)
        fill(tmp_path / "B" / f"right_{number}.png", 10 + number)
    with pytest.raises(DataError, match=r"All have one with --set 'dataset\.match=\(\\d\+\)'"):
        Pairs(tmp_path, "train")
    assert values(tmp_path, match=r"(\d+)") == {"0": [0, 10], "1": [1, 11], "2": [2, 12]}
    fill(tmp_path / "B" / "cover.png", 1)
    with pytest.raises(DataError, match=r"'cover\.png' does not match dataset\.match"):
        Pairs(tmp_path, "train", match=r"(\d+)")
    with pytest.raises(UsageError, match=r"dataset\.match '\\\\d' has no group"):
        Pairs(tmp_path, "train", match=r"\d")


@pytest.mark.parametrize(
    ("train", "val", "columns"),
    [
        (("train/imageA", "train/imageB"), "val", ()),
        (("train/imageA", "train/imageB"), "valA", ()),
        (("train/day", "train/night"), "val/day", ("day", "night")),
        (("trainA", "trainB"), "validation", ()),
        (("trainA", "trainB"), "val_B", ()),
        (("A/train", "B/train"), "A/val", ()),
        (("A", "B"), "B/val", ()),
        (("train", "train"), "Val/imageA", ()),
    ],
)
def test_a_folder_called_like_a_split_that_is_stored_otherwise_is_named(
    tmp_path: Path, train: tuple[str, str], val: str, columns: tuple[str, ...]
) -> None:
    both_sides(tmp_path, *train)
    (tmp_path / val).mkdir(parents=True)
    assert splits_of(tmp_path, columns=columns) == ["train"]
    fill(tmp_path / val / "three.png", 3)
    with pytest.raises(DataError, match=r"[vV]al\w* holds images, but no pairs as 'train' does"):
        open_table(tmp_path, "train", columns=columns)


def test_pairs_beside_the_folders_of_splits_are_named(tmp_path: Path) -> None:
    both_sides(tmp_path, "A/train", "B/train")
    both_sides(tmp_path, "A", "B")
    for layout in ("auto", "twofolders"):
        with pytest.raises(DataError, match=r"A/one\.png lies in no folder of a split"):
            splits_of(tmp_path, layout)


@pytest.mark.parametrize("beside", [("trainA", "trainB"), ("A", "B"), ("A/train", "B/train")])
def test_pairs_that_are_stored_in_two_ways_ask_which_are_meant(tmp_path: Path, beside: tuple[str, str]) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    both_sides(tmp_path, *beside)
    with pytest.raises(DataError, match=r"others as two folders .*dataset\.layout=twofolders"):
        splits_of(tmp_path)
    assert values(tmp_path, layout="folders") == values(tmp_path, layout="twofolders") == EXPECTED


def test_ab_files_are_halves_with_names_that_differ(tmp_path: Path) -> None:
    for name in ("x.png", "x.webp", "below/y.png"):
        both = np.repeat(np.array([[[1], [2]]] * 4, np.uint8), 4, axis=1)
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(tmp_path / "train" / name, both.repeat(3, axis=2))
    assert values(tmp_path) == {"below/y": [1, 2], "x.png": [1, 2], "x.webp": [1, 2]}
    table = open_table(tmp_path, "train")
    assert (table.layout, table.header(0, "A").width) == ("ab, A left and B right", 4)
    assert table.encoded(0, "B") == (tmp_path / "train" / "below" / "y.png").read_bytes()
    fill(tmp_path / "odd" / "train" / "x.png", 1, size=(4, 7))
    with pytest.raises(DataError, match=r"x: it is 7 pixels wide.*even width"):
        Pairs(tmp_path / "odd", "train", layout="ab")[0]


@pytest.mark.parametrize(("size", "halved"), [((4, 4), False), ((8, 4), False), ((4, 6), False), ((4, 8), True)])
def test_photographs_are_halved_only_where_most_are_twice_as_wide(
    tmp_path: Path, size: tuple[int, int], halved: bool
) -> None:
    for number in range(3):
        fill(tmp_path / "train" / f"{number}.png", number, size=size)
    fill(tmp_path / "train" / "odd.png", 3, size=(4, 10))
    if halved:
        assert len(Pairs(tmp_path, "train")) == 4
    else:
        said = rf"train holds single images.*`i2i prepare edges {tmp_path}/train .*`.*--set dataset\.layout=ab"
        with pytest.raises(DataError, match=said):
            Pairs(tmp_path, "train")
    assert len(Pairs(tmp_path, "train", layout="ab")) == 4
    (tmp_path / "dataset.yaml").write_text("layout: ab\ncounts: {made: 4, train: 4}\n")
    assert len(Pairs(tmp_path, "train")) == 4


@pytest.mark.parametrize(
    ("size", "said"), [((64, 128), "run `i2i prepare split-ab /"), ((64, 96), "`i2i prepare edges .*-pairs`")]
)
def test_loose_images_are_told_from_loose_ab_files(tmp_path: Path, size: tuple[int, int], said: str) -> None:
    for number in range(3):
        fill(tmp_path / f"{number}.png", number, size=size)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=said) as refusal:
        splits_of(tmp_path)
    assert f"{tmp_path}" in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_single_images_are_no_halves(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "one.png", 1)
    for layout in ("auto", "ab"):
        with pytest.raises(DataError, match="single images and no pairs"):
            splits_of(tmp_path, layout)
    fill(tmp_path / "renamed" / "train" / "one.png", 1)
    (tmp_path / "renamed" / "dataset.yaml").write_text("counts:\n  made: 1\n  train: 1\n", "utf-8")
    assert splits_of(tmp_path / "renamed") == ["train"]
    (tmp_path / "renamed" / "dataset.yaml").write_text("counts:\n  made: 1\n", "utf-8")
    with pytest.raises(DataError, match="single images and no pairs"):
        splits_of(tmp_path / "renamed")


@pytest.mark.parametrize("name", ["train.zip", "data/train-0.tar.gz"])
def test_packed_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=rf"{name} is packed.*Unpack it"):
        splits_of(tmp_path)


@pytest.mark.parametrize("address", ["hf://x", "nothing://x"])
def test_an_address_of_no_known_kind_is_one_line(address: str) -> None:
    with pytest.raises(DataError, match=address) as refusal:
        open_table(address, "train")
    assert "\n" not in str(refusal.value)
