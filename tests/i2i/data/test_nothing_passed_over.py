"""What says how data is meant is used, or stops the run and says why: lists, columns, cards, folders beside others."""

import codecs
import gc
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from flat_images import png
from pyarrow import parquet as pq

from i2i import images
from i2i.data.dataset import Pairs
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.table import Table
from i2i.errors import DataError, UsageError

COUNT = 6
SHIFTED = [(f"source/{n}.png", f"target/{(n + 1) % COUNT}.png") for n in range(COUNT)]
"""Pairs of other files than those of the same name."""


def fill(path: Path, value: int, size: tuple[int, int] = (4, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((*size, 3), value, np.uint8))


def sides(root: Path, a: str = "source", b: str = "target", count: int = COUNT) -> Path:
    """Files of the same names in two folders: n in A is 10 n, and in B 10 n + 1."""
    for number in range(count):
        fill(root / a / f"{number}.png", 10 * number)
        fill(root / b / f"{number}.png", 10 * number + 1)
    return root


def read(table: Table) -> list[tuple[int, ...]]:
    """The values of each row's images."""
    rows = range(len(table.names))
    return [tuple(int(table.picture(row, c).pixels[0, 0, 0]) for c in table.columns) for row in rows]


SHIFTED_VALUES = [(10 * n, 10 * ((n + 1) % COUNT) + 1) for n in range(COUNT)]


def csv(head: str, separator: str = ",", *, splits: bool = True) -> str:
    lines = [
        separator.join([a, b, "train" if n < 4 else "val"][: 3 if splits else 2]) for n, (a, b) in enumerate(SHIFTED)
    ]
    return "\n".join([head.replace(",", separator), *lines]) + "\n"


@pytest.mark.parametrize("head", ["source,target,split", "source,target,Split", " source , target , SPLIT "])
@pytest.mark.parametrize(("name", "separator"), [("metadata.csv", ","), ("Manifest.CSV", ";"), ("metadata.tsv", "\t")])
def test_a_list_decides_over_the_folders_beside_it(tmp_path: Path, head: str, name: str, separator: str) -> None:
    (sides(tmp_path) / name).write_text(csv(head, separator))
    assert splits_of(tmp_path) == ["train", "val"]
    assert read(open_table(tmp_path, "train")) == SHIFTED_VALUES[:4]
    assert read(open_table(tmp_path, "val")) == SHIFTED_VALUES[4:]


@pytest.mark.parametrize("text", [csv("file_name,conditioning_image,text", splits=True), None])
def test_an_image_and_its_conditioning_image_are_a_pair(tmp_path: Path, text: str | None) -> None:
    lines = [json.dumps({"file_name": b, "conditioning_image": a, "text": "x.png is a name"}) for a, b in SHIFTED]
    swapped = "\n".join(["file_name,conditioning_image,text", *(f"{b},{a},a house" for a, b in SHIFTED)])
    (sides(tmp_path) / f"metadata.{'csv' if text else 'jsonl'}").write_text(swapped if text else "\n".join(lines))
    table = open_table(tmp_path, "train")
    assert list(table.columns) == ["conditioning_image", "image"]
    assert read(table) == SHIFTED_VALUES


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_the_list_of_a_split_keeps_the_rows_that_the_datasets_library_keeps(tmp_path: Path, suffix: str) -> None:
    datasets.disable_progress_bars()
    for split in ("train", "val"):
        sides(tmp_path / split)
        rows = [{"source_file_name": f"source/{n}.png", "target_file_name": f"target/{n}.png"} for n in (0, 2, 5)]
        lines = [json.dumps(row) for row in rows]
        if suffix == "csv":
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        (tmp_path / split / f"metadata.{suffix}").write_text("\n".join(lines) + "\n")
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["0", "2", "5"]
    assert read(table) == [(0, 1), (20, 21), (50, 51)]
    assert table.layout.endswith("images beside them that are not in the list: 6")
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        theirs = datasets.load_dataset("imagefolder", data_dir=str(tmp_path), cache_dir=str(tmp_path / "cache"))
        gc.collect()  # the library leaves lists open
    assert theirs["train"].num_rows == len(table.names)


FLAWS: dict[str, tuple[str, bytes, str]] = {
    "broken JSON": (
        "metadata.jsonl",
        b'{"source": "source/0.png", "target": "target/1.png"},\n',
        "Line 1: this is no JSON",
    ),
    "deep JSON": ("metadata.json", b"[" * 100_000, "this is no JSON"),
    "one column": (
        "metadata.csv",
        b"name,weather\n0,fog\n",
        "does not have two columns of images; it has 'name', 'weat",
    ),
    "one image": ("metadata.csv", b"file_name,text\nsource/0.png,a house\n", "it has 'file_name', 'text'"),
    "no rows": ("manifest.jsonl", b"\n", "It has no rows"),
    "no split": ("manifest.csv", b"source,target,split\nsource/0.png,target/0.png,\n", "Write train, val or test"),
    "another code": ("metadata.csv", "source,target\nstraße.png,b.png\n".encode("cp1252"), "A list is UTF-8"),
    "UTF-16": ("metadata.csv", "source,target\n".encode("utf-16"), "A list is UTF-8"),
    "a table of a spreadsheet": ("metadata.xlsx", b"PK", "ends in '.xlsx'. Save it as .csv"),
    "a list of a split": ("train.jsonl", b"{no json\n", "Line 1: this is no JSON"),
    "names of a split": ("val.txt", b"0\n1\n", "is called like a list of splits"),
    "splits of another tool": ("splits.json", b'{"train": [0]}', "is called like a list of splits"),
    "files of a split": ("train_files.txt", b"0.png\n", "is called like a list of splits"),
    "pairs of no known name": (
        "pairs.csv",
        b"source,target\nsource/0.png,target/3.png\n",
        "lists pairs of images. Give it",
    ),
    "in the folder of a column": (
        "source/metadata.csv",
        b"file_name,text\n0.png,a\n",
        "source/metadata.csv cannot be used",
    ),
}


@pytest.mark.parametrize("kind", FLAWS)
def test_a_list_that_cannot_be_used_stops_unless_a_layout_is_said(tmp_path: Path, kind: str) -> None:
    name, content, said = FLAWS[kind]
    (sides(tmp_path) / name).write_bytes(content)
    with pytest.raises(DataError) as refusal:
        Pairs(tmp_path, "train")
    assert said in str(refusal.value)
    assert str(tmp_path / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).count("Correct") <= 1  # advice is given once
    if name == "source/metadata.csv":
        return  # it would have to be read as what it is, whatever the layout
    assert len(Pairs(tmp_path, "train", layout="twofolders")) == COUNT


@pytest.mark.parametrize("name", ["labels.csv", "notes.txt", "train.log", "captions.json"])
def test_files_that_say_nothing_of_pairs_stop_nothing(tmp_path: Path, name: str) -> None:
    (sides(tmp_path) / name).write_text("name,weather\n0,fog\n")
    assert len(Pairs(tmp_path, "train")) == COUNT


def test_two_lists_of_the_same_images_ask_for_one(tmp_path: Path) -> None:
    (sides(tmp_path) / "metadata.csv").write_text(csv("source,target,split"))
    (tmp_path / "manifest.csv").write_text(csv("source,target", splits=False))
    with pytest.raises(DataError, match=r"manifest\.csv and .*metadata\.csv are lists of the same images"):
        splits_of(tmp_path)
    assert splits_of(tmp_path / "manifest.csv") == ["train"]
    (tmp_path / "manifest.csv").rename(tmp_path / "train.csv")
    with pytest.raises(DataError, match="lists of the same images"):
        splits_of(tmp_path)


def test_a_row_without_a_split_among_rows_that_have_one_is_named(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"source": a, "target": b, "split": "val"} for a, b in SHIFTED]
    del rows[2]["split"]
    (sides(tmp_path) / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = open_table(tmp_path, "val")
    assert [problem.name for problem in table.problems] == ["line 3"]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows[2:])))
    problems = open_table(tmp_path, "train").problems
    assert [problem.name for problem in problems] == ["line 2", "line 3", "line 4"]
    assert "rows before it have none" in problems[0].message


def test_a_row_of_another_split_than_that_of_its_list_is_named(tmp_path: Path) -> None:
    (sides(tmp_path) / "train.csv").write_text(csv("source,target,split"))
    table = open_table(tmp_path, "train")
    assert (len(table.names), [problem.name for problem in table.problems]) == (4, ["line 6", "line 7"])


def listed(root: Path, column: str, values: list[str]) -> None:
    sides(root)
    lines = [json.dumps({"source": a, "target": b, column: v}) for (a, b), v in zip(SHIFTED, values, strict=True)]
    (root / "metadata.jsonl").write_text("\n".join(lines))


def in_parquet(root: Path, column: str, values: list[str], **options: Any) -> None:
    rows = {side: [png(10 * n + end) for n in range(COUNT)] for end, side in enumerate(("source", "target"))}
    root.mkdir(exist_ok=True)
    pq.write_table(pa.table({**rows, column: values}), root / "train-00000-of-00001.parquet", **options)


def without_statistics(root: Path, column: str, values: list[str]) -> None:
    in_parquet(root, column, values, write_statistics=False, row_group_size=4)


def rows_of(column: str, values: list[str]) -> datasets.Dataset:
    rows = {side: [{"bytes": png(10 * n + end), "path": None} for n in range(COUNT)] for end, side in enumerate("AB")}
    kinds = datasets.Features({"A": datasets.Image(), "B": datasets.Image(), column: datasets.Value("string")})
    return datasets.Dataset.from_dict({**rows, column: values}, features=kinds)


def saved(root: Path, column: str, values: list[str]) -> None:
    rows_of(column, values).save_to_disk(root)


def saved_as_classes(root: Path, column: str, values: list[str]) -> None:
    rows_of(column, values).class_encode_column(column).save_to_disk(root)


def as_arrow(root: Path, column: str, values: list[str]) -> None:
    saved(root, column, values)
    for file in root.glob("*.json"):
        file.unlink()
    next(root.glob("*.arrow")).rename(root / "train.arrow")


def by_card(root: Path, column: str, values: list[str]) -> None:
    in_parquet(root, column, values)
    (root / "README.md").write_bytes(
        codecs.BOM_UTF8 + b"---\nconfigs:\n- config_name: default\n  data_files: '*.parquet'\n---\n"
    )


KINDS: list[Callable[[Path, str, list[str]], None]] = [
    listed, in_parquet, without_statistics, saved, saved_as_classes, as_arrow, by_card
]  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("store", KINDS)
def test_rows_that_say_their_split_are_of_it(tmp_path: Path, store: Callable[..., None]) -> None:
    store(tmp_path / "set", "Split", ["train", "val", "train", "test", "val", "train"])
    assert splits_of(tmp_path / "set") == ["train", "val", "test"]
    found = {split: [a for a, _ in read(open_table(tmp_path / "set", split))] for split in ("train", "val", "test")}
    assert found == {"train": [0, 20, 50], "val": [10, 40], "test": [30]}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("store", KINDS)
def test_a_column_of_another_name_that_holds_splits_is_named(tmp_path: Path, store: Callable[..., None]) -> None:
    store(tmp_path / "set", "phase", ["train", "val", "train", "test", "val", "train"])
    with pytest.raises(DataError, match=r"'phase' holds names of splits \(test, train, val\). Call it 'split'"):
        open_table(tmp_path / "set", "train")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("store", KINDS)
def test_words_and_the_split_that_rows_are_of_are_no_hidden_split(tmp_path: Path, store: Callable[..., None]) -> None:
    for number, values in enumerate([["train"] * COUNT, ["val", "a train", "test", "dev", "eval", "x"]]):
        store(tmp_path / str(number), "phase", values)
        assert len(open_table(tmp_path / str(number), "train").names) == COUNT


def test_rows_that_say_another_split_than_their_file_are_named(tmp_path: Path) -> None:
    in_parquet(tmp_path, "split", ["train"] * 5 + ["val"])
    pq.write_table(pq.read_table(tmp_path / "train-00000-of-00001.parquet"), tmp_path / "test.parquet")
    with pytest.raises(DataError, match=r"/5 in .* is 'val' by its column 'split', and 'train' by where it lies"):
        open_table(tmp_path, "train")


def test_a_streamed_block_keeps_the_rows_of_its_split(tmp_path: Path) -> None:
    in_parquet(tmp_path, "split", ["train", "val", "train", "test", "val", "train"], row_group_size=2)
    assert [block.pairs for block in Pairs(tmp_path, "train").blocks] == [1, 1, 1]
    assert [block.pairs for block in Pairs(tmp_path, "test").blocks] == [0, 1, 0]


def test_pairs_beside_the_folders_of_splits_are_named(tmp_path: Path) -> None:
    sides(tmp_path, "A/train", "B/train")
    fill(tmp_path / "A" / "more.png", 1)
    fill(tmp_path / "B" / "more.png", 1)
    for layout in ("auto", "twofolders"):
        with pytest.raises(DataError, match=r"A/more\.png lies in no folder of a split"):
            splits_of(tmp_path, layout)


@pytest.mark.parametrize("beside", [("trainA", "trainB"), ("A", "B"), ("A/train", "B/train")])
def test_pairs_that_are_stored_in_two_ways_ask_which_are_meant(tmp_path: Path, beside: tuple[str, str]) -> None:
    sides(tmp_path / "train", "imageA", "imageB", count=2)
    sides(tmp_path, *beside)
    with pytest.raises(DataError, match=r"others as two folders .*dataset\.layout=twofolders"):
        splits_of(tmp_path)
    assert len(open_table(tmp_path, "train", "folders").names) == 2
    assert len(open_table(tmp_path, "train", "twofolders").names) == COUNT


@pytest.mark.parametrize(
    "marks", [("_A", "_B"), ("A", "B"), ("-B", "-A"), ("_label", "_photo"), ("_source", "_target")]
)
def test_folders_are_called_by_split_and_column(tmp_path: Path, marks: tuple[str, str]) -> None:
    for split in ("train", "test"):
        sides(tmp_path, split + marks[0], split + marks[1])
    assert splits_of(tmp_path) == ["train", "test"]
    assert len(open_table(tmp_path, "train").names) == COUNT
    fill(tmp_path / f"val{marks[0]}" / "x.png", 1)
    if marks[0][-1] in "AB":
        with pytest.raises(DataError, match="holds images, but no pairs"):
            splits_of(tmp_path)


def test_folders_of_any_names_are_columns_that_are_named(tmp_path: Path) -> None:
    sides(tmp_path, "train_label", "train_img")
    assert len(Pairs(tmp_path, "train", source=("label",), target=("img",))) == COUNT
    sides(tmp_path / "top", "a", "b")
    with pytest.raises(DataError, match=r"same names in a, b\. Say which is what, such as --set dataset\.source=\[a\]"):
        splits_of(tmp_path / "top")
    assert len(Pairs(tmp_path / "top", "train", source=("a",), target=("b",))) == COUNT


def test_folders_of_categories_are_no_splits(tmp_path: Path) -> None:
    for kind in ("cats", "dogs"):
        sides(tmp_path, f"A/{kind}", f"B/{kind}", count=2)
    assert splits_of(tmp_path) == ["train"]
    assert list(open_table(tmp_path, "train").names) == ["cats/0", "cats/1", "dogs/0", "dogs/1"]


@pytest.mark.parametrize(("size", "halved"), [((4, 4), False), ((8, 4), False), ((4, 6), False), ((4, 8), True)])
def test_photographs_are_halved_only_where_most_are_twice_as_wide(
    tmp_path: Path, size: tuple[int, int], halved: bool
) -> None:
    for number in range(3):
        fill(tmp_path / "train" / f"{number}.png", number, size)
    fill(tmp_path / "train" / "odd.png", 3, (4, 10))
    if halved:
        assert len(Pairs(tmp_path, "train")) == 4
    else:
        said = rf"train holds single images.*`i2i prepare edges {tmp_path}/train .*`.*--set dataset\.layout=ab"
        with pytest.raises(DataError, match=said):
            Pairs(tmp_path, "train")
    assert len(Pairs(tmp_path, "train", layout="ab")) == 4
    (tmp_path / "dataset.yaml").write_text("layout: ab\ncounts: {made: 4, train: 4}\n")
    assert len(Pairs(tmp_path, "train")) == 4


def test_a_card_decides_over_the_folders_beside_it(tmp_path: Path) -> None:
    sides(tmp_path / "train", "imageA", "imageB")
    in_parquet(tmp_path / "parts", "text", ["a"] * COUNT)
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: parts/*.parquet\n---\n")
    assert open_table(tmp_path, "train").layout == "Parquet, 1 file"
    assert open_table(tmp_path, "train", "folders").layout == "folders imageA and imageB"
    (tmp_path / "metadata.csv").write_text("source,target\ntrain/imageA/0.png,train/imageB/1.png\n")
    with pytest.raises(DataError, match=r"metadata\.csv is a list that README\.md beside it does not name"):
        splits_of(tmp_path)
    assert len(open_table(tmp_path, "train", "manifest").names) == 1
    assert len(open_table(tmp_path, "train", "datafiles").names) == COUNT


def test_an_expression_says_which_files_are_partners(tmp_path: Path) -> None:
    for number in range(3):
        fill(tmp_path / "A" / f"left_{number}.png", number)
        fill(tmp_path / "B" / f"right_{number}.png", 10 + number)
    with pytest.raises(DataError, match=r"All have one with --set 'dataset\.match=\(\\d\+\)'"):
        Pairs(tmp_path, "train")
    pairs = Pairs(tmp_path, "train", match=r"(\d+)")
    assert list(pairs.names) == ["0", "1", "2"]
    assert [int(pair.target[0, 0, 0]) for pair in (pairs[n] for n in range(3))] == [10, 11, 12]
    fill(tmp_path / "B" / "cover.png", 1)
    with pytest.raises(DataError, match=r"'cover\.png' does not match dataset\.match"):
        Pairs(tmp_path, "train", match=r"(\d+)")
    with pytest.raises(UsageError, match=r"dataset\.match '\\\\d' has no group"):
        Pairs(tmp_path, "train", match=r"\d")


def test_options_that_the_data_has_no_use_for_are_refused(tmp_path: Path) -> None:
    in_parquet(tmp_path, "text", ["a"] * COUNT)
    with pytest.raises(UsageError, match=r"dataset\.match pairs files in two folders.*Leave it away"):
        Pairs(tmp_path, "train", match="(.*)")
    with pytest.raises(UsageError, match="read by its card, not as 'parquet'"):
        Pairs("hf://ada/faces", "train", streaming=True, layout="parquet")
