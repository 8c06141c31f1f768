"""Local folders that the datasets library reads: the same pairs as it gives, or one line."""

import gc
import json
import shutil
import warnings
from collections.abc import Callable, Sequence
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


def parquet(file: Path, rows: Sequence[int]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pairs(rows).to_parquet(file)


def arrow(file: Path, rows: Sequence[int], *, stream: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pairs(rows).data.table
    with (
        pa.OSFile(str(file), "wb") as sink,
        (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as w,
    ):
        w.write_table(table)


def shard(file: Path, rows: Sequence[int]) -> None:
    tar(file, [(f"{row}.{column}.png", data[row]) for row in rows for column, data in (("A", A), ("B", B))])


def image_folder(folder: Path, rows: Sequence[int], name: str) -> None:
    """Files, and a list of them beside, as the library's ImageFolder wants it."""
    for row in rows:
        for place, data in ((folder / "a", A[row]), (folder / "b", B[row])):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{row}.png").write_bytes(data)
    listed = [{"A_file_name": f"a/{row}.png", "B_file_name": f"b/{row}.png"} for row in rows]
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(listed), folder / name)
    elif name.endswith(".csv"):
        lines = [",".join(listed[0]), *(",".join(row.values()) for row in listed)]
        (folder / name).write_text("\n".join(lines) + "\n")
    else:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in listed))


def card(root: Path, *configs: dict[str, Any]) -> None:
    """Front matter; JSON is YAML."""
    root.mkdir(exist_ok=True)
    (root / "README.md").write_text(f"---\nlicense: cc0-1.0\nconfigs: {json.dumps(configs)}\n---\n# A set\n")


def of_splits(**files: str) -> dict[str, Any]:
    return {"config_name": "default", "data_files": [{"split": split, "path": path} for split, path in files.items()]}


def names_in_files(root: Path) -> None:
    parquet(root / "train-00000-of-00001.parquet", [0, 1])
    parquet(root / "validation-00000-of-00001.parquet", [2])


def files_in_data(root: Path) -> None:
    parquet(root / "data" / "train-00000-of-00001.parquet", [0, 1])
    parquet(root / "data" / "holdout-00000-of-00001.parquet", [2])


def folders_of_splits(root: Path) -> None:
    parquet(root / "train" / "0000.parquet", [0, 1])
    parquet(root / "dev" / "0000.parquet", [2])


def card_of_parquet(root: Path) -> None:
    parquet(root / "x.parquet", [0, 1])
    parquet(root / "y.parquet", [2])
    card(root, of_splits(train="x.parquet", holdout="y.parquet"))


def card_of_one_file(root: Path) -> None:
    parquet(root / "x.parquet", [0, 1])
    parquet(root / "y.parquet", [2])
    card(root, {"config_name": "default", "data_files": "x.parquet"})


def card_of_a_folder(root: Path) -> None:
    parquet(root / "clean" / "x.parquet", [0, 1])
    parquet(root / "noisy" / "y.parquet", [2])
    card(root, {"config_name": "default", "data_dir": "clean"})


def card_with_a_default(root: Path) -> None:
    parquet(root / "small" / "train.parquet", [0])
    parquet(root / "large" / "train.parquet", [1, 2])
    card(root, {"config_name": "small", "data_dir": "small"})
    configs = [{"config_name": "small", "data_dir": "small"}, {"config_name": "large", "data_dir": "large"}]
    card(root, configs[0], {**configs[1], "default": True})


def card_of_shards(root: Path) -> None:
    root.mkdir()
    shard(root / "x.tar", [0, 1])
    shard(root / "y.tar", [2])
    card(root, of_splits(train="x.tar", test="y.tar"))


def card_of_lists(root: Path) -> None:
    image_folder(root / "one", [0, 1], "metadata.jsonl")
    image_folder(root / "two", [2], "metadata.jsonl")
    card(root, of_splits(train="one/**", test="two/**"))


def image_folders(root: Path, name: str, inner: str = "") -> None:
    image_folder(root / inner / "train", [0, 1], name)
    image_folder(root / inner / "test", [2], name)


def stream_of_arrow(root: Path) -> None:
    arrow(root / "data" / "train-00000-of-00001.arrow", [0, 1], stream=True)
    arrow(root / "data" / "test-00000-of-00001.arrow", [2], stream=True)


def file_of_arrow(root: Path) -> None:
    arrow(root / "train.arrow", [0, 1, 2], stream=False)


def card_of_arrow(root: Path) -> None:
    arrow(root / "x.arrow", [0, 1], stream=True)
    arrow(root / "y.arrow", [2], stream=True)
    card(root, of_splits(train="x.arrow", test="y.arrow"))


def saved(root: Path, kind: Any) -> None:
    datasets.DatasetDict(train=pairs([0, 1], kind), test=pairs([2], kind)).save_to_disk(root)


KINDS: dict[str, Callable[[Path], None]] = {
    "names in files": names_in_files,
    "files in data": files_in_data,
    "folders of splits": folders_of_splits,
    "card of Parquet": card_of_parquet,
    "card of one file": card_of_one_file,
    "card of a folder": card_of_a_folder,
    "card with a default": card_with_a_default,
    "card of shards": card_of_shards,
    "card of lists": card_of_lists,
    "card of Arrow": card_of_arrow,
    "ImageFolder, all in one": lambda root: image_folder(root, [0, 1, 2], "metadata.jsonl"),
    "ImageFolder, JSON lines": lambda root: image_folders(root, "metadata.jsonl"),
    "ImageFolder, CSV": lambda root: image_folders(root, "metadata.csv"),
    "ImageFolder, Parquet": lambda root: image_folders(root, "metadata.parquet"),
    "ImageFolder in data": lambda root: image_folders(root, "metadata.jsonl", "data"),
    "stream of Arrow": stream_of_arrow,
    "file of Arrow": file_of_arrow,
    "saved": lambda root: saved(root, datasets.Image()),
    "saved, not decoded": lambda root: saved(root, datasets.Image(decode=False)),
    "saved as bytes and path": lambda root: saved(root, STRUCT),
}


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_pairs_are_those_of_the_datasets_library(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "set")
    expected = by_library(tmp_path / "set")
    found = by_us(tmp_path / "set")
    if "validation" in expected and "val" in found:  # files are known by their words
        found["validation"] = found.pop("val")
    assert sum(map(len, expected.values())) in (2, 3)
    assert found == expected


def two_configurations(root: Path) -> None:
    parquet(root / "small" / "train.parquet", [0])
    parquet(root / "large" / "train.parquet", [1, 2])
    card(root, *({"config_name": name, "data_files": f"{name}/*"} for name in ("small", "large")))


def test_a_configuration_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_configurations(tmp_path / "set")
    for name in ("small", "large"):
        assert by_us(tmp_path / "set" / name) == by_library(tmp_path / "set", name)
    shutil.move(tmp_path / "set" / "large", tmp_path / "set" / "files")  # so that it is the name of no folder
    card(
        tmp_path / "set",
        {"config_name": "large", "data_files": "files/*"},
        {"config_name": "rest", "data_dir": "small"},
    )
    assert by_us(tmp_path / "set" / "large") == by_library(tmp_path / "set", "large")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to("set")
    card(tmp_path / "set", {"config_name": "large", "data_files": "files/*"})
    for root in ("set", "set/large", "linked"):
        table = open_table(root, "train")
        assert (table.encoded(1, "B"), table.names[1]) == (B[2], "files/train/1")


def test_a_set_of_several_configurations_asks_for_one(tmp_path: Path) -> None:
    two_configurations(tmp_path / "set")
    with pytest.raises(UsageError, match=r"configurations small, large. Name one: .*set/small$"):
        open_table(tmp_path / "set", "train")


def test_a_card_reaches_no_file_outside_its_folder(tmp_path: Path) -> None:
    parquet(tmp_path / "private.parquet", [0])
    parquet(tmp_path / "set" / "own.parquet", [1])
    for path in (str(tmp_path / "private.parquet"), "../private.parquet"):
        card(tmp_path / "set", {"config_name": "default", "data_files": path})
        with pytest.raises(DataError, match=r"private\.parquet") as refusal:
            open_table(tmp_path / "set", "train")
        assert "\n" not in str(refusal.value)


def test_a_card_with_a_flaw_is_one_line_and_another_readme_is_none(tmp_path: Path) -> None:
    names_in_files(tmp_path)
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
    image_folder(tmp_path / "one", [0], "metadata.jsonl")
    image_folder(tmp_path / "two", [1], "metadata.jsonl")
    card(tmp_path, {"config_name": "default", "data_files": "*/**"})
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
