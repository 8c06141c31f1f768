"""Lists of files: what is a list, which rows it has, and what is said of the rest."""

import gc
import json
import warnings
from pathlib import Path
from typing import Any

import datasets
import pytest
from flat_images import EXPECTED, both_sides, fill, values

from i2i.data.dataset import Pairs
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError

GOOD = {"source": "a/one.png", "target": "b/one.webp"}
CROSSED = [{"source": "a/one.png", "target": "b/two.webp"}, {"source": "a/two.png", "target": "b/one.webp"}]
"""Pairs of other files than those of the same name."""


def write(path: Path, rows: list[dict[str, Any]], separator: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() not in (".csv", ".tsv"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        keys = list(rows[0])
        lines = [separator.join(keys), *(separator.join(f'"{row.get(key, "")}"' for key in keys) for row in rows)]
        path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", "utf-8")  # as spreadsheets save it


def problems(root: Path, split: str = "train") -> list[str]:
    return [problem.name for problem in open_table(root, split).problems]


@pytest.mark.parametrize(
    ("name", "separator", "key"),
    [
        *[("manifest.jsonl", "", "split"), ("metadata.csv", ",", "Split")],
        *[("Manifest.CSV", ";", " SPLIT "), ("metadata.tsv", "\t", "split")],
    ],
)
@pytest.mark.parametrize("keys", [("source", "target"), ("imageA_file_name", "imageB_file_name")])
def test_a_list_of_all_has_its_splits_in_a_column(
    tmp_path: Path, keys: tuple[str, str], name: str, separator: str, key: str
) -> None:
    both_sides(tmp_path, "files/a", "files/b")
    rows = [
        {keys[0]: f"files/a/{stem}.png", keys[1]: f"files/b/{stem}.webp", "text": "a, b", key: split}
        for stem, split in (("one", "train"), ("two", "validation"))
    ]
    write(tmp_path / name, rows, separator)
    assert splits_of(tmp_path) == ["train", "validation"]
    assert values(tmp_path) == values(tmp_path / name) == {"files/a/one": [1, 11]}
    assert values(tmp_path, "val") == {"files/a/two": [2, 12]}
    assert open_table(tmp_path, "train").layout.startswith(f"manifest {name}, columns ")


@pytest.mark.parametrize(
    "place", ["train/metadata.jsonl", "train/manifest.csv", "train.jsonl", "train.csv", "train.json", "data/train.csv"]
)
def test_a_split_may_have_a_list_of_its_own(tmp_path: Path, place: str) -> None:
    both_sides((tmp_path / place).parent, "left", "right")
    rows = [{"input_image": f"left/{s}.png", "edited_image": f"right/{s}.webp"} for s in ("one", "two")]
    write(tmp_path / place, rows)
    assert splits_of(tmp_path) == ["train"]
    assert values(tmp_path) == {"left/one": [1, 11], "left/two": [2, 12]}


@pytest.mark.parametrize("folders", [("a", "b"), ("imageA", "imageB"), ("trainA", "trainB"), ("train/A", "train/B")])
@pytest.mark.parametrize("name", ["manifest.jsonl", "train.json", "train.csv"])
def test_a_list_decides_over_the_folders_beside_it(tmp_path: Path, folders: tuple[str, str], name: str) -> None:
    both_sides(tmp_path, *folders)
    a, b = folders
    write(tmp_path / name, [{"source": f"{a}/one.png", "target": f"{b}/two.webp"}])
    assert values(tmp_path) == {f"{a}/one": [1, 12]}
    with pytest.raises(DataError, match=rf"{name} cannot .* does not have columns night, day.*dataset\.layout="):
        splits_of(tmp_path, columns=("night", "day"))


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("key", ["conditioning_image", "conditioning_image_file_name"])
def test_an_image_and_its_conditioning_image_are_a_pair(tmp_path: Path, name: str, key: str) -> None:
    both_sides(tmp_path, "a", "b")
    write(tmp_path / name, [{"file_name": row["target"], key: row["source"], "text": "a house"} for row in CROSSED])
    assert list(open_table(tmp_path, "train").columns) == ["conditioning_image", "image"]
    assert values(tmp_path) == {"a/one": [1, 12], "a/two": [2, 11]}


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_the_list_of_a_split_keeps_the_rows_that_the_datasets_library_keeps(tmp_path: Path, name: str) -> None:
    datasets.disable_progress_bars()
    both_sides(tmp_path / "train", "source", "target")
    write(tmp_path / "train" / name, [{"source_file_name": "source/two.png", "target_file_name": "target/two.webp"}])
    assert values(tmp_path) == {"two": EXPECTED["two"]}
    assert open_table(tmp_path, "train").layout.endswith("images beside them that are not in the list: 2")
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        theirs = datasets.load_dataset("imagefolder", data_dir=str(tmp_path), cache_dir=str(tmp_path / "cache"))
        gc.collect()  # the library leaves lists open
    assert theirs["train"].num_rows == 1


def test_a_list_may_be_one_json_array(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    rows = [{"source": f"a/{stem}.png", "target": f"b/{stem}.webp"} for stem in ("one", "nothing", "two")]
    (tmp_path / "train.json").write_text(json.dumps([*rows, 7], indent=2))
    assert list(values(tmp_path)) == ["a/one", "a/two"]
    assert problems(tmp_path) == ["row 2", "row 4"]


@pytest.mark.parametrize("place", ["train/metadata.jsonl", "metadata.csv"])
def test_a_list_of_single_images_says_which_ab_files_are_pairs(tmp_path: Path, place: str) -> None:
    for value, name in enumerate(("x", "y")):
        fill(tmp_path / "train" / f"{name}.png", value)
    prefix = "" if place.startswith("train/") else "train/"
    write(tmp_path / place, [{"file_name": f"{prefix}y.png", "source": "photos/y.jpg", "text": "a house"}])
    assert open_table(tmp_path, "train").layout == f"ab by {place.split('/')[-1]}, A left and B right"
    assert values(tmp_path) == {f"{prefix}y": [1, 1]}


def test_every_bad_row_of_a_list_is_named_and_none_is_used(tmp_path: Path) -> None:
    both_sides(tmp_path / "set", "a", "b")
    outside = fill(tmp_path / "secret.png", 5)
    odd: list[Any] = [
        *["../secret.png", "a/../../secret.png", "https://example.org/x.png", 7, "", "a/nothing.png", "a"],
        *[f"{'x' * 300}/one.png", f"{'x' * 300}.png", "a/one.png/two.png", "a\0/x.png"],
    ]
    bad = [{"source": "a/one.png"}, *({**GOOD, "source": path} for path in odd)]
    write(tmp_path / "set" / "manifest.jsonl", [GOOD, *bad, {**GOOD, "source": str(outside)}])
    with (tmp_path / "set" / "manifest.jsonl").open("a") as file:
        file.write("{no json\n[1]\n\n")
    table = open_table(tmp_path / "set", "train")
    assert len(table.names) == len(set(table.names)) == 2
    assert int(table.picture(1, "source").pixels[0, 0, 0]) == 5  # an absolute path is meant
    assert problems(tmp_path / "set") == [f"line {n}" for n in (*range(2, 14), 15, 16)]
    missing = [problem.name for problem in table.problems if problem.reason == "missing-file"]
    assert missing == ["line 8", "line 11", "line 12"]
    assert "is a folder" in table.problems[7].message
    assert all("manifest.jsonl, line " in problem.message for problem in table.problems)


def test_a_csv_row_with_too_few_fields_is_named(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    (tmp_path / "manifest.csv").write_text("source,target\na/one.png,b/one.webp\na/two.png\n")
    assert (list(values(tmp_path)), problems(tmp_path)) == (["a/one"], ["line 3"])


def test_one_image_may_stand_in_several_rows(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    write(tmp_path / "manifest.jsonl", [{**GOOD, "target": f"b/{stem}.webp"} for stem in ("one", "two")])
    assert values(tmp_path) == {"a/one #0": [1, 11], "a/one #1": [1, 12]}


def test_a_row_without_a_usable_split_is_named_and_an_odd_spelling_is_understood(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    write(tmp_path / "manifest.jsonl", [{**GOOD, "split": s} for s in ("train", "train ", "", None, 3, " test")])
    assert splits_of(tmp_path) == ["train", "test"]
    for split, rows in (("train", 2), ("test", 1)):
        assert len(open_table(tmp_path, split).names) == rows
        assert problems(tmp_path, split) == ["line 3", "line 4", "line 5"]
    write(tmp_path / "manifest.jsonl", [{**GOOD, "split": split} for split in ("Train", "VAL")])
    assert len(values(tmp_path)) == len(values(tmp_path, "val")) == 1
    write(tmp_path / "manifest.jsonl", [{**GOOD, "split": split} for split in ("Train", "train")])
    with pytest.raises(DataError, match="'Train' and 'train', which are one"):
        splits_of(tmp_path)


def test_rows_say_their_split_all_or_none_and_that_of_their_list(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    write(tmp_path / "metadata.jsonl", [{**GOOD, "split": "val"}, GOOD])
    assert problems(tmp_path, "val") == ["line 2"]
    write(tmp_path / "metadata.jsonl", [GOOD, {**GOOD, "split": "val"}])
    assert "rows before it have none" in open_table(tmp_path, "train").problems[0].message
    (tmp_path / "metadata.jsonl").rename(tmp_path / "train.jsonl")
    write(tmp_path / "train.jsonl", [{**GOOD, "split": split} for split in ("train", "val")])
    assert (list(values(tmp_path)), problems(tmp_path)) == (["a/one"], ["line 2"])


def test_a_list_without_splits_of_files_in_folders_of_splits_is_refused(tmp_path: Path) -> None:
    rows = [{"source": f"{split}/a/one.png", "target": f"{split}/b/one.webp"} for split in ("train", "test")]
    for split in ("train", "test"):
        both_sides(tmp_path / split, "a", "b")
    write(tmp_path / "metadata.jsonl", rows)
    with pytest.raises(DataError, match="has no column 'split', and lists files in test and train"):
        open_table(tmp_path, "train")
    write(tmp_path / "metadata.jsonl", [{**row, "split": "train"} for row in rows])
    assert len(values(tmp_path)) == 2
    write(tmp_path / "metadata.jsonl", rows[:1])
    assert len(values(tmp_path)) == 1


def test_lists_of_splits_do_not_leave_out_a_folder_of_images(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "a", "b")
    write(tmp_path / "train" / "metadata.jsonl", [GOOD])
    fill(tmp_path / "test" / "one.png", 1)
    with pytest.raises(DataError, match="test holds images"):
        open_table(tmp_path, "train")


def test_two_lists_of_the_same_images_ask_for_one(tmp_path: Path) -> None:
    both_sides(tmp_path, "a", "b")
    write(tmp_path / "metadata.csv", CROSSED)
    for name in ("manifest.csv", "train.csv"):
        write(tmp_path / name, CROSSED)
        with pytest.raises(DataError, match="are lists of the same images") as refusal:
            splits_of(tmp_path)
        assert str(tmp_path / name) in str(refusal.value)
        assert splits_of(tmp_path / name) == ["train"]
        (tmp_path / name).unlink()


FLAWS: dict[str, tuple[str, bytes, str]] = {
    "broken JSON": ("metadata.jsonl", b'{"source": "a/one.png", "target": "b/two.webp"},\n', "Line 1: this is no JSON"),
    "deep JSON": ("metadata.json", b"[" * 100_000, "Row 1: this is no JSON"),
    "another separator": (
        "metadata.csv",
        b"source|target\na|b\n",
        "have two columns of images; it has 'source|target'",
    ),
    "no images": (
        "metadata.csv",
        b"source,target\n,\n",
        "line 2, does not have two columns of images; it has 'source'",
    ),
    "one image": ("metadata.csv", b"file_name,text\na/one.png,a house\n", "it has 'file_name', 'text'"),
    "a head": ("metadata.csv", b"source,target\n", "It has no rows"),
    "nothing": ("manifest.jsonl", b"\n", "It has no rows"),
    "no split": ("manifest.csv", b"source,target,split\na/one.png,b/one.webp,\n", "'split' is \"\". Write train, val"),
    "another code": ("metadata.csv", "source,target\nstraße.png,b.png\n".encode("cp1252"), "A list is UTF-8"),
    "UTF-16": ("metadata.csv", "source,target\n".encode("utf-16"), "A list is UTF-8"),
    "a table of a spreadsheet": ("metadata.xlsx", b"PK", "ends in '.xlsx'. Save it as .csv"),
    "a list of a split": ("train.jsonl", b"{no json\n", "Line 1: this is no JSON"),
    "names of a split": ("val.txt", b"0\n1\n", "is called like a list of splits"),
    "splits of another tool": ("splits.json", b'{"train": [0]}', "is called like a list of splits"),
    "files of a split": ("train_files.txt", b"0.png\n", "is called like a list of splits"),
    "pairs of no known name": ("pairs.csv", b"source,target\na/one.png,b/two.webp\n", "lists pairs of images. Give it"),
    "in the folder of a column": ("A/metadata.csv", b"file_name,text\none.png,a\n", "A/metadata.csv cannot be used"),
}


@pytest.mark.parametrize("kind", FLAWS)
def test_a_list_that_cannot_be_used_stops_unless_a_layout_is_said(tmp_path: Path, kind: str) -> None:
    name, content, said = FLAWS[kind]
    both_sides(tmp_path, "A", "B")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as refusal:
        Pairs(tmp_path, "train")
    assert said in str(refusal.value)
    assert str(tmp_path / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).lower().count("correct") <= 1  # advice is given once
    if name != "A/metadata.csv":  # which would have to be read as what it is, whatever the layout
        assert values(tmp_path, layout="twofolders") == EXPECTED
    if "cannot be used" in str(refusal.value):
        with pytest.raises(DataError) as refusal:  # by itself it has no folders beside it
            Pairs(tmp_path / name, "train")
        assert "folders" not in str(refusal.value)


@pytest.mark.parametrize("name", ["labels.csv", "notes.txt", "train.log", "captions.json"])
def test_files_that_say_nothing_of_pairs_stop_nothing(tmp_path: Path, name: str) -> None:
    both_sides(tmp_path, "A", "B")
    (tmp_path / name).write_text("name,weather\n0,fog\n")
    assert values(tmp_path) == EXPECTED
