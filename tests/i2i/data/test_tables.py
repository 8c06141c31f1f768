"""Every folder-like way in: what is detected, which rows it has, and what is said of the rest."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import PAIRS, choose
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError


def fill(path: Path, value: int, channels: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((4, 8, channels), value, np.uint8))
    return path


def values(root: Path, split: str = "train", **options: Any) -> dict[str, list[int]]:
    """Name of each row -> value of each of its images."""
    table = open_table(root, split, **options)
    return {
        name: [int(table.picture(row, column).pixels[0, 0, 0]) for column in table.columns]
        for row, name in enumerate(table.names)
    }


def both_sides(root: Path, a: str, b: str) -> None:
    for value, name in enumerate(("one", "two"), 1):
        fill(root / a / f"{name}.png", value)
        fill(root / b / f"{name}.webp", value + 10)


EXPECTED = {"one": [1, 11], "two": [2, 12]}


@pytest.mark.parametrize("pair", PAIRS)
def test_column_folders_of_known_names_are_found(tmp_path: Path, pair: tuple[str, str]) -> None:
    a, b = pair
    both_sides(tmp_path / "train", a, b)
    fill(tmp_path / "train" / "depth" / "one.png", 9)
    table = open_table(tmp_path, "train")
    assert list(table.columns) == [a, b]
    assert table.layout == f"folders {a} and {b}"
    assert values(tmp_path) == EXPECTED


def test_columns_that_are_named_may_be_called_anything(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "night", "day")
    fill(tmp_path / "train" / "depth" / "two.png", 9)
    assert values(tmp_path, columns=("night", "day")) == EXPECTED
    table = open_table(tmp_path, "train", columns=("night", "day", "depth"))
    assert list(table.names) == ["two"]
    assert [problem.name for problem in table.problems] == ["one"]


@pytest.mark.parametrize("folders", [("trainA", "trainB"), ("A/train", "B/train"), ("source/train", "target/train")])
def test_two_folders_are_found(tmp_path: Path, folders: tuple[str, str]) -> None:
    both_sides(tmp_path, *folders)
    both_sides(tmp_path, *(folder.replace("train", "test") for folder in folders))
    assert splits_of(tmp_path) == ["train", "test"]
    assert open_table(tmp_path, "train").layout == f"folders {folders[0]} and {folders[1]}"
    assert values(tmp_path) == values(tmp_path, "test") == EXPECTED


@pytest.mark.parametrize("pair", PAIRS)
def test_two_folders_without_splits_are_for_training(tmp_path: Path, pair: tuple[str, str]) -> None:
    both_sides(tmp_path, *pair)
    assert splits_of(tmp_path) == ["train"]
    assert values(tmp_path) == EXPECTED
    fill(tmp_path / pair[1] / "val" / "three.png", 3)
    with pytest.raises(DataError, match="val holds images, but no pairs as 'train' does"):
        splits_of(tmp_path)


@pytest.mark.parametrize("folders", [("imageA", "imageB"), ("trainA", "trainB"), ("train/A", "train/B")])
@pytest.mark.parametrize("name", ["manifest.jsonl", "train.json", "train.csv"])
def test_a_list_comes_before_the_folders_beside_it(tmp_path: Path, folders: tuple[str, str], name: str) -> None:
    both_sides(tmp_path, *folders)
    a, b = folders
    write_manifest(tmp_path / name, [{"source": f"{a}/one.png", "target": f"{b}/two.webp"}])
    assert values(tmp_path) == {f"{a}/one": [1, 12]}
    with pytest.raises(
        DataError, match=rf"{name} cannot be used .* does not have columns night, day.*dataset\.layout="
    ):
        splits_of(tmp_path, columns=("night", "day"))


@pytest.mark.parametrize(
    ("size", "said"), [((64, 128), "run `i2i prepare split-ab /"), ((64, 96), "`i2i prepare edges .*-pairs`")]
)
def test_loose_images_are_told_from_loose_ab_files(tmp_path: Path, size: tuple[int, int], said: str) -> None:
    for number in range(3):
        images.write(tmp_path / f"{number}.png", np.full((*size, 3), number, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=said) as refusal:
        splits_of(tmp_path)
    assert f"{tmp_path}" in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_ab_files_are_halves_with_names_that_differ(tmp_path: Path) -> None:
    for name in ("x.png", "x.webp", "below/y.png"):
        both = np.repeat(np.array([[[1], [2]]] * 4, np.uint8), 4, axis=1)
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(tmp_path / "train" / name, both.repeat(3, axis=2))
    assert values(tmp_path) == {"below/y": [1, 2], "x.png": [1, 2], "x.webp": [1, 2]}
    table = open_table(tmp_path, "train")
    assert (table.layout, table.header(0, "A").width) == ("ab, A left and B right", 4)
    assert table.encoded(0, "B") == (tmp_path / "train" / "below" / "y.png").read_bytes()


def write_manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".csv":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        keys = list(rows[0])
        lines = [",".join(keys), *(",".join(f'"{row.get(key, "")}"' for key in keys) for row in rows)]
        path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", "utf-8")  # as spreadsheets save it


@pytest.mark.parametrize("name", ["manifest.jsonl", "manifest.csv", "metadata.jsonl"])
@pytest.mark.parametrize("keys", [("source", "target"), ("imageA_file_name", "imageB_file_name")])
def test_a_list_of_files_has_its_splits_in_a_column(tmp_path: Path, keys: tuple[str, str], name: str) -> None:
    both_sides(tmp_path, "files/a", "files/b")
    rows = [
        {keys[0]: f"files/a/{stem}.png", keys[1]: f"files/b/{stem}.webp", "text": "a, b", "split": split}
        for stem, split in (("one", "train"), ("two", "validation"))
    ]
    write_manifest(tmp_path / name, rows)
    assert splits_of(tmp_path) == ["train", "validation"]
    assert values(tmp_path) == {"files/a/one": [1, 11]}
    assert values(tmp_path, "val") == {"files/a/two": [2, 12]}
    assert values(tmp_path / name) == {"files/a/one": [1, 11]}
    assert open_table(tmp_path, "train").layout.startswith(f"manifest {name}, columns ")


@pytest.mark.parametrize(
    "place", ["train/metadata.jsonl", "train/manifest.csv", "train.jsonl", "train.csv", "train.json", "data/train.csv"]
)
def test_a_split_may_have_a_list_of_its_own(tmp_path: Path, place: str) -> None:
    base = (tmp_path / place).parent
    both_sides(base, "left", "right")
    rows = [{"input_image": f"left/{s}.png", "edited_image": f"right/{s}.webp"} for s in ("one", "two")]
    write_manifest(tmp_path / place, rows)
    assert splits_of(tmp_path) == ["train"]
    assert values(tmp_path) == {"left/one": [1, 11], "left/two": [2, 12]}


def test_a_file_name_without_a_column_is_that_of_the_image(tmp_path: Path) -> None:
    both_sides(tmp_path, "photos", "edges")
    rows = [{"file_name": f"photos/{s}.png", "conditioning_image_file_name": f"edges/{s}.webp"} for s in ("one", "two")]
    write_manifest(tmp_path / "metadata.jsonl", rows)
    table = open_table(tmp_path, "train")
    assert list(table.columns) == ["conditioning_image", "image"]


def test_a_list_may_be_one_json_array(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    rows = [{"source": f"a/{stem}.png", "target": f"b/{stem}.webp"} for stem in ("one", "nothing", "two")]
    (tmp_path / "train.json").write_text(json.dumps([*rows, 7], indent=2))
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["a/one", "a/two"]
    assert [problem.name for problem in table.problems] == ["row 2", "row 4"]
    (tmp_path / "train.json").write_text("[{")
    with pytest.raises(DataError, match="Row 1: this is no JSON"):
        open_table(tmp_path / "train.json", "train")


def test_a_list_without_splits_of_files_in_folders_of_splits_is_refused(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "a", "b")
    both_sides(tmp_path / "test", "a", "b")
    rows = [{"source": f"{split}/a/one.png", "target": f"{split}/b/one.webp"} for split in ("train", "test")]
    write_manifest(tmp_path / "metadata.jsonl", rows)
    with pytest.raises(DataError, match="has no column 'split', and lists files in test and train"):
        open_table(tmp_path, "train")
    write_manifest(tmp_path / "metadata.jsonl", [{**row, "split": "train"} for row in rows])
    assert len(open_table(tmp_path, "train").names) == 2
    write_manifest(tmp_path / "metadata.jsonl", rows[:1])
    assert len(open_table(tmp_path, "train").names) == 1


@pytest.mark.parametrize("place", ["train/metadata.jsonl", "metadata.csv"])
def test_a_list_of_single_images_says_which_ab_files_are_pairs(tmp_path: Path, place: str) -> None:
    for value, name in enumerate(("x", "y")):
        fill(tmp_path / "train" / f"{name}.png", value)
    prefix = "" if place.startswith("train/") else "train/"
    write_manifest(tmp_path / place, [{"file_name": f"{prefix}y.png", "source": "photos/y.jpg", "text": "a house"}])
    table = open_table(tmp_path, "train")
    assert table.layout == f"ab by {place.split('/')[-1]}, A left and B right"
    assert values(tmp_path) == {f"{prefix}y": [1, 1]}


def test_every_bad_row_of_a_list_is_named_and_none_is_used(tmp_path: Path) -> None:
    both_sides(tmp_path / "set", "a", "b")
    outside = fill(tmp_path / "secret.png", 5)
    good = {"source": "a/one.png", "target": "b/one.webp"}
    bad: list[dict[str, Any]] = [
        {"source": "a/one.png"},
        {"source": "a/one.png", "target": ""},
        {"source": "a/one.png", "target": "b/nothing.png"},
        {"source": "../secret.png", "target": "b/one.webp"},
        {"source": "a/../../secret.png", "target": "b/one.webp"},
        {"source": "https://example.org/x.png", "target": "b/one.webp"},
        {"source": 7, "target": "b/one.webp"},
    ]
    write_manifest(tmp_path / "set" / "manifest.jsonl", [good, *bad, {**good, "source": str(outside)}])
    with (tmp_path / "set" / "manifest.jsonl").open("a") as file:
        file.write("{no json\n[1]\n\n")
    table = open_table(tmp_path / "set", "train")
    assert len(table.names) == len(set(table.names)) == 2
    assert int(table.picture(1, "source").pixels[0, 0, 0]) == 5  # an absolute path is meant
    assert [problem.name for problem in table.problems] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 11)]
    reasons = [problem.reason for problem in table.problems]
    assert reasons == ["bad-row", "bad-row", "missing-file", *["bad-row"] * 6]
    assert all("manifest.jsonl, line " in problem.message for problem in table.problems)


def test_a_csv_row_with_too_few_fields_is_named(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    (tmp_path / "manifest.csv").write_text("source,target\na/one.png,b/one.webp\na/two.png\n")
    table = open_table(tmp_path, "train")
    assert (list(table.names), table.problems[0].name) == (["a/one"], "line 3")


def test_one_image_may_stand_in_several_rows(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    rows = [{"source": "a/one.png", "target": f"b/{stem}.webp"} for stem in ("one", "two")]
    write_manifest(tmp_path / "manifest.jsonl", rows)
    assert values(tmp_path) == {"a/one #0": [1, 11], "a/one #1": [1, 12]}


def test_unpaired_and_doubled_files_are_problems_and_no_rows(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    fill(tmp_path / "train" / "imageA" / "house1.png", 1)
    fill(tmp_path / "train" / "imageB" / "house_1.png", 1)
    fill(tmp_path / "train" / "imageA" / "two.webp", 1)
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["one"]
    assert {(problem.name, problem.reason) for problem in table.problems} == {
        ("two", "same-name"),
        ("house1", "no-partner"),
        ("house_1", "no-partner"),
    }
    lonely = next(problem for problem in table.problems if problem.name == "house1")
    assert lonely.message.endswith("'house1' has no partner in imageB. Did you mean 'house_1'?")


@pytest.mark.parametrize("stored", ["val", "validation", "valid"])
def test_splits_are_known_by_the_names_that_others_give_them(tmp_path: Path, stored: str) -> None:
    for split in (stored, "test", "train", "extra"):
        both_sides(tmp_path / split, "A", "B")
    assert splits_of(tmp_path) == ["train", stored, "test", "extra"]
    assert values(tmp_path, "val") == values(tmp_path, "extra") == EXPECTED


def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "A", "B")
    both_sides(tmp_path / "test", "A", "B")
    with pytest.raises(MissingSplitError, match="has no split 'val', it has 'train', 'test'"):
        open_table(tmp_path, "val")
    with pytest.raises(MissingInputError, match="Write hf:// in front"):
        open_table("nobody/nothing", "train")
    with pytest.raises(DataError, match="not laid out as 'twofolders'"):
        open_table(tmp_path, "train", "twofolders")


def test_hidden_folders_and_those_of_systems_are_no_splits(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "A", "B")
    both_sides(tmp_path / ".cache", "A", "B")
    both_sides(tmp_path / "__MACOSX", "A", "B")
    assert splits_of(tmp_path) == ["train"]


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


def rows_of(*splits: object) -> list[dict[str, Any]]:
    return [{"source": "a/one.png", "target": "b/one.webp", "split": split} for split in splits]


def test_a_row_without_a_usable_split_is_named_and_an_odd_spelling_is_understood(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    write_manifest(tmp_path / "manifest.jsonl", rows_of("train", "train ", "", None, 3, " test"))
    assert splits_of(tmp_path) == ["train", "test"]
    for split, rows in (("train", 2), ("test", 1)):
        table = open_table(tmp_path, split)
        assert len(table.names) == rows
        assert [(problem.name, problem.reason) for problem in table.problems] == [
            (f"line {number}", "bad-row") for number in (3, 4, 5)
        ]
    write_manifest(tmp_path / "manifest.jsonl", rows_of("Train", "VAL"))
    assert len(open_table(tmp_path, "train").names) == len(open_table(tmp_path, "val").names) == 1


def test_one_split_by_two_names_is_refused(tmp_path: Path) -> None:
    for split in ("train", "val", "validation"):
        both_sides(tmp_path / split, "A", "B")
    with pytest.raises(DataError, match="'val' and 'validation', which are one"):
        open_table(tmp_path, "train")
    both_sides(tmp_path / "lists", "a", "b")
    write_manifest(tmp_path / "lists" / "manifest.jsonl", rows_of("train", "Train"))
    with pytest.raises(DataError, match="'Train' and 'train', which are one"):
        splits_of(tmp_path / "lists")


@pytest.mark.parametrize(
    ("train", "val", "columns"),
    [
        (("train/imageA", "train/imageB"), "val", ()),
        (("train/imageA", "train/imageB"), "valA", ()),
        (("train/day", "train/night"), "val/day", ("day", "night")),
        (("trainA", "trainB"), "validation", ()),
        (("trainA", "trainB"), "valB", ()),
        (("A/train", "B/train"), "A/val", ()),
        (("train", "train"), "Val/imageA", ()),
    ],
)
def test_a_folder_called_like_a_split_that_is_stored_otherwise_is_named(
    tmp_path: Path, train: tuple[str, str], val: str, columns: tuple[str, ...]
) -> None:
    both_sides(tmp_path, *train)
    assert splits_of(tmp_path, columns=columns) == ["train"]
    (tmp_path / val).mkdir(parents=True)
    assert splits_of(tmp_path, columns=columns) == ["train"]
    fill(tmp_path / val / "three.png", 3)
    with pytest.raises(DataError, match=r"[vV]al\w* holds images, but no pairs as 'train' does"):
        open_table(tmp_path, "train", columns=columns)


def test_columns_of_unknown_names_are_not_taken_for_halves(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "night", "day")
    fill(tmp_path / "train" / "day" / "three.png", 3)
    with pytest.raises(DataError, match=r"of the same names in day, night.*dataset\.source=\[day\].*layout=ab"):
        open_table(tmp_path, "train")
    assert len(open_table(tmp_path, "train", "ab").names) == 5
    assert len(open_table(tmp_path, "train", columns=("night", "day")).names) == 2
    fill(tmp_path / "train" / "both.png", 3)  # beside the folders: files of the top
    assert len(open_table(tmp_path, "train").names) == 6


def test_lists_of_splits_do_not_leave_out_a_folder_of_images(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "a", "b")
    write_manifest(tmp_path / "train" / "metadata.jsonl", [{"source": "a/one.png", "target": "b/one.webp"}])
    fill(tmp_path / "test" / "one.png", 1)
    with pytest.raises(DataError, match="test holds images"):
        open_table(tmp_path, "train")


def test_paths_that_are_no_files_are_bad_rows(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    good = {"source": "a/one.png", "target": "b/one.webp"}
    odd = ["a", f"{'x' * 300}/one.png", f"{'x' * 300}.png", "a/one.png/two.png", "a\0/x.png"]
    write_manifest(tmp_path / "manifest.jsonl", [good, *({**good, "source": path} for path in odd)])
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["a/one"]
    assert [problem.name for problem in table.problems] == [f"line {number}" for number in range(2, 7)]
    assert "is a folder" in table.problems[0].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "source|target\na/one.png|b/one.webp\n",
            "line 2, does not have two columns of images; it has 'source|target'",
        ),
        ("source,target\n", "It has no rows"),
        ("", "It has no rows"),
        ("source,target\n,\n", "line 2, does not have two columns of images; it has 'source', 'target'"),
        ("source,target,split\na/one.png,b/one.webp,\n", "'split' is \"\". Write train, val or test"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(DataError, match=r"pairs.csv cannot be used as a list of pairs") as refusal:
        open_table(tmp_path / "pairs.csv", "train")
    assert said in str(refusal.value)
    assert "folders" not in str(refusal.value)


def test_a_list_without_the_named_columns_says_which_it_has(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text('{"source": "a.png", "target": "b.png"}\n')
    with pytest.raises(DataError, match="does not have columns night, day; it has 'source', 'target'"):
        open_table(tmp_path / "pairs.jsonl", "train", columns=("night", "day"))


@pytest.mark.parametrize("address", ["hf://x", "nothing://x"])
def test_an_address_of_no_known_kind_is_one_line(address: str) -> None:
    with pytest.raises(DataError, match=address) as refusal:
        open_table(address, "train")
    assert "\n" not in str(refusal.value)


def test_single_images_are_no_halves(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "one.png", 1)
    for layout in ("auto", "ab"):
        with pytest.raises(DataError, match="single images and no pairs"):
            splits_of(tmp_path, layout)
    fill(tmp_path / "renamed" / "train" / "one.png", 1)
    assert splits_of(tmp_path / "renamed") == ["train"]
    (tmp_path / "renamed" / "dataset.yaml").write_text("counts:\n  made: 1\n  train: 1\n", "utf-8")
    assert splits_of(tmp_path / "renamed") == ["train"]
    (tmp_path / "renamed" / "dataset.yaml").write_text("counts:\n  made: 1\n", "utf-8")
    with pytest.raises(DataError, match="single images and no pairs"):
        splits_of(tmp_path / "renamed")


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    for ask in (splits_of, lambda root, columns: open_table(root, "train", columns=columns)):
        with pytest.raises(UsageError, match=r"no column 'nosuch'\. Columns: imageA, imageB"):
            ask(tmp_path, columns=("imageA", "nosuch"))
