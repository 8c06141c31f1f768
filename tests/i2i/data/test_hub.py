import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from flat_images import A, B, tar
from hub import Hub

from i2i.data.dataset import Pairs
from i2i.data.tables import hub as layout
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError, UsageError

COUNT = 12


def facades(**rows: list[Any]) -> datasets.Dataset:
    features = datasets.Features({"imageA": datasets.Image(), "imageB": datasets.Image()})
    sides = (("imageA", A), ("imageB", B))
    whole = {side: [{"bytes": one, "path": None} for one in data[:COUNT]] for side, data in sides}
    return datasets.Dataset.from_dict(whole | rows, features=features)


@pytest.fixture(autouse=True)
def quiet() -> None:
    datasets.disable_progress_bars()


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("hf://huggan/facades", ("huggan/facades", None, None)),
        ("hf://huggan/facades/", ("huggan/facades", None, None)),
        ("hf://huggan/facades@v1.2/small", ("huggan/facades", "v1.2", "small")),
        ("hf://huggan/facades@refs/convert/parquet", ("huggan/facades", "refs/convert/parquet", None)),
    ],
)
def test_addresses_have_name_revision_and_configuration(address: str, parts: tuple[str | None, ...]) -> None:
    assert layout.parse_address(address) == parts


@pytest.mark.parametrize(
    "other", ["huggan/facades", "hf://facades", "hf://datasets/huggan/facades", "s3://a/b", "hf://a/b/c/d"]
)
def test_other_addresses_are_none_of_the_hub(other: str) -> None:
    assert layout.parse_address(other) is None


def test_what_the_datasets_library_saved_is_read(tmp_path: Path) -> None:
    datasets.DatasetDict(train=facades(), validation=facades().select([3, 1])).save_to_disk(tmp_path / "set")
    assert splits_of(tmp_path / "set") == ["train", "validation"]
    train, val = (open_table(tmp_path / "set", split) for split in ("train", "val"))
    assert train.layout == "datasets library, save_to_disk"
    assert list(train.columns) == ["imageA", "imageB"]
    assert [train.encoded(row, "imageB") for row in range(COUNT)] == B[:COUNT]
    assert [val.encoded(row, "imageA") for row in range(2)] == [A[3], A[1]]
    assert list(val.names) == ["0", "1"]
    facades().save_to_disk(tmp_path / "one")
    assert splits_of(tmp_path / "one") == ["train"]
    assert open_table(tmp_path / "one", "train").picture(2, "imageA").pixels[0, 0].tolist() == [2, 2, 2]


def test_a_row_that_lacks_an_image_is_left_out_and_named(tmp_path: Path) -> None:
    b: list[Any] = [{"bytes": data, "path": None} for data in B[:COUNT]]
    b[4], b[6] = None, {"bytes": b"", "path": "six.png"}
    facades(imageB=b).save_to_disk(tmp_path / "set")
    table = open_table(tmp_path / "set", "train")
    assert [(problem.name, problem.reason) for problem in table.problems] == [("4", "bad-row"), ("6", "bad-row")]
    assert [table.encoded(row, "imageB") for row in range(len(table.names))] == [*B[:4], B[5], *B[7:COUNT]]
    assert list(table.names)[3:6] == ["3", "5", "7"]


def test_a_set_cannot_have_a_file_read_that_did_not_come_with_it(tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(A[0])
    outside = str(tmp_path / "private.png")
    whole = facades().cast_column("imageA", datasets.Image(decode=False))
    rows = [{"bytes": None, "path": outside}] * COUNT
    features = datasets.Features({"imageA": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}})
    strange = datasets.Dataset.from_dict({"imageA": rows}, features=features).cast_column(
        "imageA", datasets.Image(decode=False)
    )
    joined = datasets.concatenate_datasets([strange, whole.select_columns(["imageB"])], axis=1)
    table = layout_table(joined, tmp_path / "set")
    with pytest.raises(DataError, match="is a file outside the set"):
        table.encoded(0, "imageA")


def layout_table(rows: datasets.Dataset, where: Path) -> Any:
    from i2i.data.tables.arrow import ArrowTable

    return ArrowTable(rows, [], where=str(where), layout="")


def test_a_set_with_a_held_out_split_needs_no_share(pairs_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"has a split 'val' already"):
        Pairs(pairs_folder, "train", val_share=0.2)


def test_a_folder_cannot_be_streamed(pairs_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be streamed.*hf://USER/NAME"):
        Pairs(pairs_folder, "train", streaming=True)


READ = """
import hashlib, json, sys
from i2i.data.dataset import Pairs
from i2i.data.tables import datafiles, hub
from i2i.errors import I2iError

def read(root, split, **options):
    hub._download.cache_clear(), datafiles._streamed.cache_clear()  # as another process would, from the disk
    try:
        pairs = Pairs(root, split, **options)
        read = [pairs[index] for index in range(len(pairs))]
    except I2iError as error:
        return {"error": type(error).__name__, "text": str(error)}
    sums = [hashlib.sha256(pair.source.tobytes() + pair.target.tobytes()).hexdigest() for pair in read]
    blocks = [block.pairs for block in pairs.blocks]
    return {"layout": pairs.layout, "sums": sums, "names": list(pairs.names), "blocks": blocks}

for line in sys.stdin:
    print(json.dumps([read(*place, **options) for place, options in json.loads(line)]), flush=True)
"""


class Reader:
    """A process of its own that reads from the stand-in: the client looks for the Hub when it is imported."""

    def __init__(self, hub: Hub, home: Path) -> None:
        environment = {**os.environ, **hub.environment(home)}
        environment.pop("HF_DATASETS_DISABLE_PROGRESS_BARS", None)
        self.hub, self.home, self._said = hub, home, home.with_suffix(".stderr")
        with self._said.open("w") as said:
            command = [sys.executable, "-c", READ]
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
            )

    def __call__(self, *wanted: tuple[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self.said
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    @property
    def said(self) -> str:
        """What it wrote besides its answers."""
        return self._said.read_text()

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder, files = tmp_path_factory.mktemp("hub"), {}
    for split, number in (("train", 0), ("train", 1), ("test", 0)):
        facades().shard(2, number, contiguous=True).to_parquet(folder / "part.parquet", batch_size=4)
        files[f"data/{split}-{number:05}-of-00002.parquet"] = (folder / "part.parquet").read_bytes()
    with Hub().running() as running:
        running.state.put("huggan/facades", files, kind="dataset")
        with closing(Reader(running, folder / "home")) as reader:
            yield reader


def test_a_set_of_the_hub_is_the_same_downloaded_streamed_and_from_the_cache(read: Reader) -> None:
    train = ("hf://huggan/facades", "train")
    expected = [hashlib.sha256(picture(n) + picture(100 + n)).hexdigest() for n in range(COUNT)]
    copies = set(read.home.rglob("*.arrow"))
    (streamed,) = read((train, {"streaming": True}))
    assert (streamed["layout"], streamed["sums"]) == ("Parquet, 2 files", expected)
    assert streamed["blocks"] == [4, 2, 4, 2]
    assert set(read.home.rglob("*.arrow")) == copies
    (downloaded,) = read((train, {}))
    assert (downloaded["layout"], downloaded["sums"]) == ("Hugging Face Hub", expected)
    before = len(read.hub.requests)
    train_part, val_part = read(*(((train[0], split), {"val_share": 0.5}) for split in ("train", "val")))
    assert sorted(train_part["sums"] + val_part["sums"]) == sorted(expected)
    assert val_part["sums"]
    assert not any("/lfs/" in request.path for request in read.hub.requests[before:])  # nothing is downloaded twice


def picture(value: int) -> bytes:
    return np.full((4, 4, 3), value, np.uint8).tobytes()


def sums(*rows: int) -> list[str]:
    return [hashlib.sha256(picture(row) + picture(100 + row)).hexdigest() for row in rows]


def parquet(tmp_path: Path, *rows: int) -> bytes:
    facades().select(rows).to_parquet(tmp_path / "some.parquet")
    return (tmp_path / "some.parquet").read_bytes()


def test_the_card_says_which_files_are_read_downloaded_and_streamed(read: Reader, tmp_path: Path) -> None:
    card = "---\nconfigs:\n- config_name: few\n  data_files: one.parquet\n- config_name: many\n  data_files:\n"
    card += "  - split: train\n    path: two.parquet\n  - split: holdout\n    path: one.parquet\n---\n"
    files = {"one.parquet": parquet(tmp_path, 1), "two.parquet": parquet(tmp_path, 2, 3), "README.md": card.encode()}
    read.hub.state.put("huggan/maps", files, kind="dataset")
    wanted = {("few", "train"): [1], ("many", "train"): [2, 3], ("many", "holdout"): [1]}
    places = [
        ((f"hf://huggan/maps/{config}", split), {"streaming": streaming})
        for config, split in wanted
        for streaming in (False, True)
    ]
    unnamed = [(("hf://huggan/maps", "train"), {"streaming": streaming}) for streaming in (False, True)]
    unknown = ("hf://huggan/maps/man", "train")
    *found, first, second, third = read(*places, *unnamed, (unknown, {}))
    expected = [sums(*rows) for rows in wanted.values() for _ in range(2)]
    assert [answer.get("sums") for answer in found] == expected
    for refusal in (first, second):
        assert refusal["error"] == "UsageError"
        assert refusal["text"].endswith("configurations few, many. Name one: hf://huggan/maps/few")
    assert "Did you mean 'many'" in third["text"]


def test_what_the_hub_has_converted_is_streamed_where_it_is_whole(read: Reader, tmp_path: Path) -> None:
    lines = [json.dumps({f"{side}_file_name": f"{side}/{row}.png" for side in ("A", "B")}) for row in range(3)]
    images = {f"train/{side}/{row}.png": data[row] for side, data in (("A", A), ("B", B)) for row in range(3)}
    files = {**images, "train/metadata.jsonl": "\n".join(lines).encode()}
    for name, folder in (("whole", "train"), ("part", "partial-train")):
        read.hub.state.put(f"huggan/{name}", files, kind="dataset")
        converted = {f"default/{folder}/0000.parquet": parquet(tmp_path, 0, 1, 2)}
        read.hub.state.put(f"huggan/{name}", converted, kind="dataset", revision="refs/convert/parquet")
    places = [((f"hf://huggan/{name}", "train"), {"streaming": True}) for name in ("whole", "part")]
    whole, part, downloaded = read(*places, (("hf://huggan/whole", "train"), {}))
    assert whole["sums"] == downloaded["sums"] == sums(0, 1, 2)
    assert "only a part" in part["text"]
    assert downloaded["names"] == ["train/A/0", "train/A/1", "train/A/2"]  # the same on every machine


def test_shards_of_the_hub_have_the_same_columns_downloaded_and_streamed(read: Reader, tmp_path: Path) -> None:
    members = [(f"{n:04}.{side}.png", data[n]) for n in range(3) for side, data in (("imageA", A), ("imageB", B))]
    shard = tar(tmp_path / "train-0.tar", members).read_bytes()
    read.hub.state.put("huggan/shards", {"train-0.tar": shard}, kind="dataset")
    place = ("hf://huggan/shards", "train")
    downloaded, streamed = read((place, {}), (place, {"streaming": True}))
    assert downloaded["sums"] == streamed["sums"] == sums(0, 1, 2)
    assert downloaded["names"] == streamed["names"] == ["0000", "0001", "0002"]


def test_what_the_hub_does_not_have_is_one_line(read: Reader, tmp_path: Path) -> None:
    place = ("hf://huggan/fassades", "train")
    for refusal in read((place, {}), (place, {"streaming": True})):
        assert refusal["error"] == "MissingInputError", refusal
        assert "hf://huggan/fassades" in refusal["text"]
        assert "\n" not in refusal["text"]


def test_only_errors_are_written_where_no_terminal_is(read: Reader) -> None:
    (found,) = read((("hf://huggan/facades", "test"), {}))
    assert found["sums"]
    assert read.said == ""
