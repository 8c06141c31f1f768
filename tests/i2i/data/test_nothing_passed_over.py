"""What says how data is meant is used, or stops the run and says why: columns of splits, cards, options.

Of lists and of folders `test_lists.py` and `test_folders.py` hold the same.
"""

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from flat_images import A, B, both_sides
from pyarrow import parquet as pq

from i2i.data.dataset import Pairs
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError, UsageError

COUNT = 6


def listed(root: Path, column: str, values: list[str]) -> None:
    root.mkdir()
    lines = []
    for number, value in enumerate(values):
        (root / f"a{number}.png").write_bytes(A[number])
        (root / f"b{number}.png").write_bytes(B[number])
        lines.append(json.dumps({"source": f"a{number}.png", "target": f"b{number}.png", column: value}))
    (root / "metadata.jsonl").write_text("\n".join(lines))


def in_parquet(root: Path, column: str, values: list[str], **options: Any) -> None:
    root.mkdir(exist_ok=True)
    table = pa.table({"source": A[:COUNT], "target": B[:COUNT], column: values})
    pq.write_table(table, root / "train-00000-of-00001.parquet", **options)


def without_statistics(root: Path, column: str, values: list[str]) -> None:
    in_parquet(root, column, values, write_statistics=False, row_group_size=4)


def rows_of(column: str, values: list[str]) -> datasets.Dataset:
    rows = {side: [{"bytes": one, "path": None} for one in data[:COUNT]] for side, data in (("A", A), ("B", B))}
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
    for split, rows in {"train": [0, 2, 5], "val": [1, 4], "test": [3]}.items():
        table = open_table(tmp_path / "set", split)
        assert [table.encoded(row, table.columns[1]) for row in range(len(table.names))] == [B[row] for row in rows]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("store", KINDS)
def test_a_column_of_another_name_is_named_where_it_holds_nothing_but_other_splits(
    tmp_path: Path, store: Callable[..., None]
) -> None:
    store(tmp_path / "set", "phase", ["train", "val", "train", "test", "val", "train"])
    with pytest.raises(DataError, match=r"'phase' holds names of splits \(test, train, val\). Call it 'split'"):
        open_table(tmp_path / "set", "train")
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


def test_a_card_decides_over_the_folders_beside_it(tmp_path: Path) -> None:
    both_sides(tmp_path / "train", "imageA", "imageB")
    in_parquet(tmp_path / "parts", "text", ["a"] * COUNT)
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: parts/*.parquet\n---\n")
    assert open_table(tmp_path, "train").layout == "Parquet, 1 file"
    assert open_table(tmp_path, "train", "folders").layout == "folders imageA and imageB"
    (tmp_path / "metadata.csv").write_text("source,target\ntrain/imageA/one.png,train/imageB/two.webp\n")
    with pytest.raises(DataError, match=r"metadata\.csv is a list that README\.md beside it does not name"):
        splits_of(tmp_path)
    assert len(open_table(tmp_path, "train", "manifest").names) == 1
    assert len(open_table(tmp_path, "train", "datafiles").names) == COUNT


def test_options_that_the_data_has_no_use_for_are_refused(tmp_path: Path) -> None:
    in_parquet(tmp_path, "text", ["a"] * COUNT)
    with pytest.raises(UsageError, match=r"dataset\.match pairs files in two folders.*Leave it away"):
        Pairs(tmp_path, "train", match="(.*)")
    with pytest.raises(UsageError, match="read by its card, not as 'parquet'"):
        Pairs("hf://ada/faces", "train", streaming=True, layout="parquet")
