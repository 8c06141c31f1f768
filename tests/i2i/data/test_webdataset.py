import pickle
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
import webdataset
from flat_images import A, B, tar
from webdataset.tariterators import group_by_keys, tar_file_iterator

from i2i.data.tables import webdataset as shards_read
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.table import Table
from i2i.errors import DataError, MissingSplitError, UsageError

COUNT = 25


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three shards as the webdataset library writes them."""
    folder = tmp_path / "shards"
    folder.mkdir()
    with webdataset.ShardWriter(str(folder / "train-%06d.tar"), maxcount=10, verbose=0) as writer:
        for number in range(COUNT):
            images = {"imageA.png": A[number], "imageB.png": B[number]}
            writer.write({"__key__": f"street/{number:04}", **images, "json": {"number": number}})
    return folder


def pairs(*numbers: int) -> list[tuple[str, bytes]]:
    return [(f"{n:04}.{side}.png", data[n]) for n in numbers for side, data in (("input", A), ("output", B))]


def reasons(table: Table) -> dict[str, str]:
    return {problem.name: problem.reason for problem in table.problems}


def test_rows_and_bytes_are_those_that_the_webdataset_library_writes_and_reads(shards: Path) -> None:
    assert splits_of(shards) == ["train"]
    table = open_table(shards, "train")
    assert table.layout == "WebDataset, 3 shards"
    assert list(table.columns) == ["imageA", "imageB"]
    assert not table.problems
    theirs: list[dict[str, object]] = []
    for path in sorted(shards.iterdir()):
        with path.open("rb") as stream:
            members = ({**member, "__url__": path.name} for member in tar_file_iterator(stream))
            theirs += group_by_keys(members)
    assert [sample["__key__"] for sample in theirs] == list(table.names)
    for row in np.random.default_rng(0).permutation(COUNT).tolist():
        assert table.encoded(row, "imageA") == theirs[row]["imagea.png"] == A[row]  # the library lowers the names
        assert table.picture(row, "imageB").pixels[0, 0].tolist() == [100 + row] * 3
    with pytest.raises(MissingSplitError, match="no split 'val'"):
        open_table(shards, "val")


def test_a_folder_of_shards_is_a_split(tmp_path: Path) -> None:
    tar(tmp_path / "train" / "000.tar", pairs(0, 1))
    tar(tmp_path / "val" / "000.tar", pairs(2))
    assert splits_of(tmp_path) == ["train", "val"]
    table = open_table(tmp_path, "val")
    assert (list(table.names), list(table.columns)) == (["0002"], ["input", "output"])


def test_names_in_several_shards_say_the_shard(tmp_path: Path) -> None:
    for number in range(2):
        tar(tmp_path / f"train-{number}.tar", pairs(0))
    assert list(open_table(tmp_path, "train").names) == ["train-0/0000", "train-1/0000"]


def test_the_key_ends_at_the_first_dot_of_the_file_name(tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", [("./v1.2/7.left.eye.png", A[0]), ("./v1.2/7.png", B[0]), ("./v1.2/7.txt", b"no image")])
    table = open_table(tmp_path, "train")
    assert (list(table.names), sorted(table.columns)) == (["v1.2/7"], ["left.eye", "png"])


def test_what_is_no_whole_pair_is_named(tmp_path: Path) -> None:
    link = tarfile.TarInfo("0003.output.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members = [*pairs(0, 1), ("0002.input.png", A[2]), ("0003.input.png", A[3]), ("0001.input.png", A[4])]
    tar(tmp_path / "train.tar", members, link)
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["0000", "0001"]
    assert table.encoded(1, "input") == A[1]
    assert reasons(table) == {
        "train/0001.input.png": "doubled",
        "train/0003.output.png": "link",
        "train/0002": "no-partner",
        "train/0003": "no-partner",
    }
    assert "'0002'" in next(p.message for p in table.problems if p.name == "train/0002")


@pytest.mark.parametrize("length", [4 * 512 + 1, 6 * 512 + 100, 7 * 512 + 3, 8 * 512])
def test_a_shard_that_is_cut_off_is_said(tmp_path: Path, length: int) -> None:
    path = tar(tmp_path / "train.tar", pairs(0, 1, 2, 3))
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    table = open_table(tmp_path, "train")
    assert "bad-shard" in reasons(table).values()
    assert 1 <= len(table.names) < 4
    for row in range(len(table.names)):
        assert table.encoded(row, "output") == B[row]


def test_a_damaged_header_hides_no_rows_in_silence(tmp_path: Path) -> None:
    path = tar(tmp_path / "train.tar", pairs(0, 1, 2))
    data = bytearray(path.read_bytes())
    data[4 * 1024 + 150] ^= 0xFF  # the checksum of the fifth header
    path.write_bytes(bytes(data))
    table = open_table(tmp_path, "train")
    assert list(table.names) == ["0000", "0001"]
    assert reasons(table) == {"train": "bad-shard"}


def test_shards_behind_an_address_are_read_in_runs(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = fsspec.filesystem("memory")
    for file in shards.iterdir():
        memory.pipe(f"/bucket/tars/{file.name}", file.read_bytes())
    here = open_table(shards, "train")
    monkeypatch.setattr(shards_read, "BLOCK", 20_000)
    there = open_table("memory://bucket/tars", "train")
    blocks = there.blocks
    assert sum(block.pairs for block in blocks) == COUNT
    assert max(block.pairs for block in blocks) > 1
    assert max(block.size for block in blocks) <= 20_000
    for row in np.random.default_rng(1).permutation(COUNT).tolist():
        assert there.encoded(row, "imageB") == here.encoded(row, "imageB")
    assert pickle.loads(pickle.dumps(there)).encoded(7, "imageA") == A[7]


def test_shards_without_images_and_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    tar(tmp_path / "notes" / "a.tar", [("0001.txt", b"a note")])
    with pytest.raises(DataError, match=r"holds no images such as 0001\.imageA\.png"):
        open_table(tmp_path / "notes", "train")
    tar(tmp_path / "images" / "a.tar", pairs(0))
    with pytest.raises(UsageError, match=r"'inputs'\. Did you mean 'input'"):
        open_table(tmp_path / "images", "train", columns=("inputs", "output"))


def test_a_shard_that_has_changed_since_is_said(tmp_path: Path) -> None:
    path = tar(tmp_path / "train.tar", pairs(0, 1, 2))
    table = open_table(tmp_path, "train")
    path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(DataError, match=r"output of '0002' in .*train\.tar is cut off"):
        table.encoded(2, "output")
