"""Local folders that the datasets library reads: the same pairs as it gives, or one line."""

import gc
import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from flat_images import A, B, tar
from pyarrow import parquet as pq

from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError, UsageError

STRUCT = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}


def pairs(rows: Sequence[int], kind: Any = None) -> datasets.Dataset:
    kind = kind or datasets.Image()
    columns = {name: [{"bytes": data[row], "path": None} for row in rows] for name, data in (("A", A), ("B", B))}
    return datasets.Dataset.from_dict(columns, features=datasets.Features({"A": kind, "B": kind}))


def write(file: Path, rows: Sequence[int]) -> None:
    """Some of the pairs, in the format that the name says; a list has its images beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    sides = (("A", A), ("B", B))
    if file.name.startswith("metadata"):
        for row in rows:
            for side, data in sides:
                (file.parent / f"{side}{row}.png").write_bytes(data[row])
        listed = [{f"{side}_file_name": f"{side}{row}.png" for side in "AB"} for row in rows]
        if file.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(listed), file)
        else:
            lines = [",".join(listed[0]), *(",".join(row.values()) for row in listed)]
            file.write_text("\n".join(lines if file.suffix == ".csv" else map(json.dumps, listed)) + "\n")
    elif file.suffix == ".tar":
        tar(file, [(f"{row}.{side}.png", data[row]) for row in rows for side, data in sides])
    elif file.suffix == ".parquet":
        pairs(rows).to_parquet(file)
    else:
        table = pairs(rows).data.table
        kind = pa.ipc.new_stream if "stream" in file.name else pa.ipc.new_file
        with pa.OSFile(str(file), "wb") as sink, kind(sink, table.schema) as writer:
            writer.write_table(table)


def card(root: Path, *configs: dict[str, Any]) -> None:
    """Front matter; JSON is YAML."""
    root.mkdir(exist_ok=True)
    (root / "README.md").write_text(f"---\nlicense: cc0-1.0\nconfigs: {json.dumps(configs)}\n---\n# A set\n")


def config(name: str = "default", **said: Any) -> dict[str, Any]:
    return {"config_name": name, **said}


def of_splits(**files: str) -> dict[str, Any]:
    return config(data_files=[{"split": split, "path": path} for split, path in files.items()])


HUB = "-00000-of-00001.parquet"
KINDS: dict[str, tuple[dict[str, list[int]], list[dict[str, Any]]]] = {
    "names in files": ({f"train{HUB}": [0, 1], f"validation{HUB}": [2]}, []),
    "files in data": ({f"data/train{HUB}": [0, 1], f"data/holdout{HUB}": [2]}, []),
    "folders of splits": ({"train/0000.parquet": [0, 1], "dev/0000.parquet": [2]}, []),
    "card of Parquet": ({"x.parquet": [0, 1], "y.parquet": [2]}, [of_splits(train="x.parquet", holdout="y.parquet")]),
    "card of one file": ({"x.parquet": [0, 1], "y.parquet": [2]}, [config(data_files="x.parquet")]),
    "card of a folder": ({"clean/x.parquet": [0, 1], "noisy/y.parquet": [2]}, [config(data_dir="clean")]),
    "card with a default": (
        {"small/train.parquet": [0], "large/train.parquet": [1, 2]},
        [config("small", data_dir="small"), config("large", data_dir="large", default=True)],
    ),
    "card of shards": ({"x.tar": [0, 1], "y.tar": [2]}, [of_splits(train="x.tar", test="y.tar")]),
    "card of lists": (
        {"one/metadata.jsonl": [0, 1], "two/metadata.jsonl": [2]},
        [of_splits(train="one/**", test="two/**")],
    ),
    "card of Arrow": ({"x.stream.arrow": [0, 1], "y.arrow": [2]}, [of_splits(train="x.s*.arrow", test="y.arrow")]),
    "ImageFolder, all in one": ({"metadata.jsonl": [0, 1, 2]}, []),
    "ImageFolder, JSON lines": ({"train/metadata.jsonl": [0, 1], "test/metadata.jsonl": [2]}, []),
    "ImageFolder, CSV": ({"train/metadata.csv": [0, 1], "test/metadata.csv": [2]}, []),
    "ImageFolder, Parquet": ({"train/metadata.parquet": [0, 1], "test/metadata.parquet": [2]}, []),
    "ImageFolder in data": ({"data/train/metadata.jsonl": [0, 1], "data/test/metadata.jsonl": [2]}, []),
    "streams of Arrow": ({"data/train-stream.arrow": [0, 1], "data/test-stream.arrow": [2]}, []),
    "file of Arrow": ({"train.arrow": [0, 1, 2]}, []),
}
SAVED = {"saved": datasets.Image(), "not decoded": datasets.Image(decode=False), "as bytes and path": STRUCT}


def store(root: Path, kind: str) -> None:
    if kind in SAVED:
        parts = {"train": pairs([0, 1], SAVED[kind]), "test": pairs([2], SAVED[kind])}
        datasets.DatasetDict(parts).save_to_disk(root)
        return
    files, configs = KINDS[kind]
    for name, rows in files.items():
        write(root / name, rows)
    if configs:
        card(root, *configs)


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library, with a cache of its own and no bars."""
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def by_library(root: Path, config: str | None = None) -> dict[str, list[tuple[bytes, bytes]]]:
    """Split -> pairs, as the datasets library gives them."""
    if (root / "dataset_dict.json").exists():
        found = datasets.load_from_disk(root)
    else:
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            found = datasets.load_dataset(str(root), config)
            gc.collect()  # the library leaves lists open
    splits = {}
    for split, rows in found.items():
        columns = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)] or ["A", "B"]
        for name in columns:
            rows = rows.cast_column(name, datasets.Image(decode=False))
        a, b = ([value["bytes"] or Path(value["path"]).read_bytes() for value in rows[name]] for name in columns)
        splits[str(split)] = list(zip(a, b, strict=True))
    return splits


def by_us(root: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    splits = {}
    for split in splits_of(root):
        table = open_table(root, split)
        assert list(table.columns) == ["A", "B"]
        assert not table.problems
        assert len(set(table.names)) == len(table.names)
        splits[split] = [(table.encoded(row, "A"), table.encoded(row, "B")) for row in range(len(table.names))]
    return splits


@pytest.mark.parametrize("kind", [*KINDS, *SAVED])
def test_the_pairs_are_those_of_the_datasets_library(tmp_path: Path, kind: str) -> None:
    store(tmp_path / "set", kind)
    expected = by_library(tmp_path / "set")
    found = by_us(tmp_path / "set")
    if "validation" in expected and "val" in found:  # files are known by their words
        found["validation"] = found.pop("val")
    assert sum(map(len, expected.values())) in (2, 3)
    assert found == expected


@pytest.fixture
def two_configurations(tmp_path: Path) -> Path:
    write(tmp_path / "set" / "small" / "train.parquet", [0])
    write(tmp_path / "set" / "large" / "train.parquet", [1, 2])
    card(tmp_path / "set", *(config(name, data_files=f"{name}/*") for name in ("small", "large")))
    return tmp_path / "set"


def test_a_configuration_is_chosen_by_its_name(two_configurations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = two_configurations
    with pytest.raises(UsageError, match=r"configurations small, large. Name one: .*set/small$"):
        open_table(root, "train")
    for name in ("small", "large"):
        assert by_us(root / name) == by_library(root, name)
    shutil.move(root / "large", root / "files")  # so that it is the name of no folder
    card(root, config("large", data_files="files/*"), config("rest", data_dir="small"))
    assert by_us(root / "large") == by_library(root, "large")
    monkeypatch.chdir(root.parent)
    Path("linked").symlink_to("set")
    card(root, config("large", data_files="files/*"))
    for place in ("set", "set/large", "linked"):
        table = open_table(place, "train")
        assert (table.encoded(1, "B"), table.names[1]) == (B[2], "files/train/1")


def test_a_card_reaches_no_file_outside_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "private.parquet", [0])
    write(tmp_path / "set" / "own.parquet", [1])
    for path in (str(tmp_path / "private.parquet"), "../private.parquet"):
        card(tmp_path / "set", config(data_files=path))
        with pytest.raises(DataError, match=r"private\.parquet") as refusal:
            open_table(tmp_path / "set", "train")
        assert "\n" not in str(refusal.value)


def test_a_card_with_a_flaw_is_one_line_and_another_readme_is_none(tmp_path: Path) -> None:
    store(tmp_path, "names in files")
    (tmp_path / "README.md").write_bytes(b"Caf\xe9\n---\nconfigs: none\n---\n")
    assert splits_of(tmp_path) == ["train", "val"]
    (tmp_path / "README.md").write_text("---\na: [\nconfigs:\n---\n")
    with pytest.raises(DataError, match=r"README\.md cannot be read: .*Mend it") as refusal:
        splits_of(tmp_path)
    assert "\n" not in str(refusal.value)
    card(tmp_path, of_splits(train="nothing.parquet"))
    with pytest.raises(DataError) as refusal:
        splits_of(tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_card_of_several_lists_for_a_split_is_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder / "metadata.jsonl", [0])
    card(tmp_path, config(data_files="*/**"))
    with pytest.raises(DataError, match="has 2 lists of image files for 'train'"):
        open_table(tmp_path, "train")


def of_lists() -> datasets.Dataset:
    images = [[{"bytes": a, "path": None}, {"bytes": b, "path": None}] for a, b in zip(A, B, strict=True)]
    return datasets.Dataset.from_dict(
        {"images": images}, features=datasets.Features(images=datasets.List(datasets.Image()))
    )


@pytest.mark.parametrize("rows", [of_lists(), datasets.Dataset.from_dict({"A": ["a.png"], "B": ["b.png"]})])
def test_lists_and_paths_in_tables_are_refused_with_what_to_do(tmp_path: Path, rows: datasets.Dataset) -> None:
    rows.save_to_disk(tmp_path / "saved")
    (tmp_path / "files").mkdir()
    rows.to_parquet(tmp_path / "files" / "train.parquet")
    for root in (tmp_path / "saved", tmp_path / "files"):
        with pytest.raises(DataError, match=r"no columns of images.*Store the bytes of each image"):
            open_table(root, "train")
