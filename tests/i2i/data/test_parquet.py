import pickle
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pyarrow as pa
import pytest
from flat_images import A, B
from pyarrow import parquet as pq

from i2i.data.tables import parquet
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError

COUNT = 25


def image(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


@pytest.fixture
def from_the_hub(tmp_path: Path) -> Path:
    """Files as the datasets library writes them for the Hub: two of train, one of validation."""
    features = datasets.Features(
        {"imageA": datasets.Image(), "imageB": datasets.Image(), "caption": datasets.Value("string")}
    )
    rows = {
        "imageA": [image(data, f"street {number}.png") for number, data in enumerate(A)],
        "imageB": [image(data) for data in B],
        "caption": ["a street"] * COUNT,
    }
    whole = datasets.Dataset.from_dict(rows, features=features)
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for number in range(2):
        part = whole.shard(2, number, contiguous=True)
        part.to_parquet(folder / f"train-{number:05}-of-00002.parquet", batch_size=4)
    whole.select(range(3)).to_parquet(folder / "validation-00000-of-00001.parquet")
    return tmp_path / "set"


def test_what_the_datasets_library_writes_is_read(from_the_hub: Path) -> None:
    assert splits_of(from_the_hub) == ["train", "val"]
    table = open_table(from_the_hub, "train")
    assert table.layout == "Parquet, 2 files"
    assert list(table.columns) == ["imageA", "imageB"]
    assert list(table.names) == [f"street {number}" for number in range(COUNT)]
    for row in np.random.default_rng(0).permutation(COUNT).tolist():
        assert table.encoded(row, "imageA") == A[row]
        assert table.picture(row, "imageB").pixels[0, 0].tolist() == [100 + row] * 3
    assert len(open_table(from_the_hub, "val").names) == 3
    with pytest.raises(MissingSplitError, match="no split 'test'"):
        open_table(from_the_hub, "test")


def test_plain_columns_of_bytes_are_read(tmp_path: Path) -> None:
    names = pa.array([f"house/{number}" for number in range(COUNT)], pa.large_string())  # as pandas writes text
    pq.write_table(
        pa.table({"source": A, "target": pa.array(B, pa.large_binary()), "id": names}), tmp_path / "houses.parquet"
    )
    for root in (tmp_path, tmp_path / "houses.parquet"):
        table = open_table(root, "train")
        assert list(table.columns) == ["source", "target"]
        assert table.names[3] == "house/3"
        assert table.encoded(3, "target") == B[3]


def test_a_set_behind_an_address_is_the_same(from_the_hub: Path) -> None:
    memory = fsspec.filesystem("memory")
    for file in from_the_hub.rglob("*.parquet"):
        memory.pipe(f"/bucket/set/{file.relative_to(from_the_hub).as_posix()}", file.read_bytes())
    table, there = open_table(from_the_hub, "train"), open_table("memory://bucket/set", "train")
    assert [there.encoded(row, "imageB") for row in range(COUNT)] == B
    assert [there.header(row, "imageA") for row in range(3)] == [table.header(row, "imageA") for row in range(3)]
    assert there.names[:2] == ["data/train-00000-of-00002/0", "data/train-00000-of-00002/1"]
    assert there.names[-1] == "data/train-00001-of-00002/11"
    with pytest.raises(MissingInputError):
        open_table("memory://bucket/nothing", "train")


@pytest.mark.parametrize("named", [["a.png", "a.png", "b.png"], ["a.png", None, "b.png"], ["a.png", "", "b.png"]])
def test_names_that_are_not_all_different_are_not_used(tmp_path: Path, named: list[str | None]) -> None:
    rows = [image(data, name) for data, name in zip(A, named, strict=False)]
    pq.write_table(pa.table({"A": rows, "B": rows}), tmp_path / "train.parquet", row_group_size=2)
    assert list(open_table(tmp_path, "train").names) == ["train/0", "train/1", "train/2"]


@pytest.mark.parametrize(
    ("named", "names"), [(["photo.v1", "photo.v2"], ["photo.v1", "photo.v2"]), (["a/1.PNG", "."], ["a/1", "."])]
)
def test_names_of_files_lose_a_suffix_of_images_only(tmp_path: Path, named: list[str], names: list[str]) -> None:
    pq.write_table(pa.table({"A": A[:2], "B": B[:2], "file_name": named}), tmp_path / "train.parquet")
    assert list(open_table(tmp_path, "train").names) == names


def test_a_row_that_lacks_an_image_is_left_out_and_named(tmp_path: Path) -> None:
    b: list[Any] = [image(data) for data in B]
    b[5], b[6], b[24] = None, image(None, "elsewhere.png"), None
    table = pa.table({"A": [image(data) for data in A], "B": b})
    kept = [row for row in range(COUNT) if row not in (5, 6, 24)]
    for statistics in (True, False):  # without them all is looked at
        pq.write_table(table, tmp_path / "train.parquet", row_group_size=8, write_statistics=statistics)
        read = open_table(tmp_path, "train")
        assert [problem.name for problem in read.problems] == ["train/5", "train/6", "train/24"]
        assert {problem.reason for problem in read.problems} == {"bad-row"}
        assert "Row 6 of" in read.problems[1].message
        assert [read.encoded(row, "B") for row in range(len(read.names))] == [B[row] for row in kept]
        assert list(read.names) == [f"train/{row}" for row in kept]
        assert [block.pairs for block in read.blocks] == [6, 8, 8, 0]


def test_an_image_that_cannot_be_read_is_named_with_its_file_and_row(tmp_path: Path) -> None:
    table = pa.table({"A": A[:3], "B": [B[0], b"", B[2][:40]]})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=2)
    read = open_table(tmp_path, "train")
    with pytest.raises(DataError, match=r"B in row 1 of .*train\.parquet is empty"):
        read.encoded(1, "B")
    with pytest.raises(DataError, match=r"B in row 2 of .*train\.parquet"):
        read.picture(2, "B")
    pq.write_table(table, tmp_path / "train.parquet", write_statistics=False)
    assert [problem.name for problem in open_table(tmp_path, "train").problems] == ["train/1"]


@pytest.mark.parametrize("name", ["more.parquet", "data/0001.parquet"])
def test_a_file_that_says_no_split_beside_others_that_do_is_named(from_the_hub: Path, name: str) -> None:
    pq.write_table(pa.table({"imageA": A, "imageB": B}), from_the_hub / name)
    with pytest.raises(DataError, match=rf"{name} does not say its split.*train, val"):
        open_table(from_the_hub, "train")


@pytest.mark.parametrize("damage", [b"", b"PAR1 and nothing more", None])
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: bytes | None) -> None:
    file = tmp_path / "train.parquet"
    pq.write_table(pa.table({"A": A, "B": B}), file)
    file.write_bytes(file.read_bytes()[:-20] if damage is None else damage)
    with pytest.raises(DataError, match=r"train\.parquet is no Parquet file, or damaged") as refusal:
        open_table(tmp_path, "train")
    assert "\n" not in str(refusal.value)


def test_files_of_a_split_have_the_same_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"A": A, "B": B}), tmp_path / "train-0.parquet")
    pq.write_table(pa.table({"A": A, "C": B}), tmp_path / "train-1.parquet")
    with pytest.raises(DataError, match=r"train-1\.parquet has no images in column 'B'"):
        open_table(tmp_path, "train")


def test_columns_that_are_not_there_are_refused_with_the_nearest(tmp_path: Path) -> None:
    pq.write_table(pa.table({"photo": A, "drawing": B}), tmp_path / "train.parquet")
    with pytest.raises(UsageError, match=r"'drawings'.* Did you mean 'drawing'"):
        open_table(tmp_path, "train", columns=("photo", "drawings"))


def test_a_row_group_beyond_all_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_BLOCK", 1000)
    pq.write_table(pa.table({"A": A, "B": B}), tmp_path / "train.parquet", row_group_size=COUNT)
    with pytest.raises(DataError, match="Row group 0 of"):
        open_table(tmp_path, "train")


def test_a_copy_for_a_worker_carries_no_images(from_the_hub: Path) -> None:
    table = open_table(from_the_hub, "train")
    before = len(pickle.dumps(table))
    expected = [table.encoded(row, "imageA") for row in range(COUNT)]
    copied = pickle.dumps(table)
    assert len(copied) == before
    copy = pickle.loads(copied)
    assert [copy.encoded(row, "imageA") for row in range(COUNT)] == expected


def test_files_of_no_split_are_for_training(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet", ".hidden.parquet", "_tmp/three.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"A": A[:2], "B": B[:2]}), tmp_path / name)
    assert splits_of(tmp_path) == ["train"]
    assert list(open_table(tmp_path, "train").names) == ["one/0", "one/1", "two/0", "two/1"]
