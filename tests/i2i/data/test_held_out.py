"""What is held out: the same pairs wherever the set is, and whatever is added to it."""

import json
import os
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pyarrow as pa
import pytest
from flat_images import fill, png
from pyarrow import parquet as pq

from i2i.data.dataset import Pairs
from i2i.data.tables.arrow import ArrowTable
from i2i.data.tables.detect import open_table
from i2i.errors import DataError

COUNT = 60


def listed(root: Path, pairs: list[tuple[str, str]]) -> None:
    for name in {name for pair in pairs for name in pair}:
        (root / name).write_bytes(png(1))
    lines = [json.dumps({"source": source, "target": target}) for source, target in pairs]
    (root / "manifest.jsonl").write_text("\n".join(lines))


def held_out(root: Path | str) -> set[tuple[str, ...]]:
    """Files of the rows that are held out, without their folder."""
    table: Any = open_table(root, "train")
    names = {name: tuple(map(os.path.basename, table.files[row])) for row, name in enumerate(table.names)}
    return {names[name] for name in open_table(root, "val", val_share=0.3).names}


def test_all_rows_of_one_source_are_on_one_side_and_stay_there(tmp_path: Path) -> None:
    first = [(f"s{n}.png", f"t{n}.png") for n in range(COUNT)]
    listed(tmp_path, first)
    before = held_out(tmp_path)
    again = [(source, f"u{n}.png") for n, (source, _) in enumerate(first)]
    listed(tmp_path, [("another.png", "t0.png"), *again, ("s0.jpg", "t0.png"), *first])
    after = held_out(tmp_path)
    assert after & set(first) == before
    assert {source for source, _ in after & set(again)} == {source for source, _ in before}


def test_files_stay_on_their_side_when_others_come(tmp_path: Path) -> None:
    for number in range(COUNT):
        fill(tmp_path / "train" / f"{number}.png", 0)
    before = held_out(tmp_path)
    rest = open_table(tmp_path, "train", val_share=0.3)
    assert {name for (name, _) in before}.isdisjoint(f"{name}.png" for name in rest.names)
    assert len(before) + len(rest.names) == COUNT
    assert 3 < len(before) < 36  # more than four deviations of a binomial draw around 18
    for number in range(COUNT):
        fill(tmp_path / "train" / f"{number}.webp", 0)  # of the same stems
        fill(tmp_path / "train" / f"another {number}.png", 0)
    old = {file for file in held_out(tmp_path) if file[0].endswith(".png") and " " not in file[0]}
    assert old == before


@pytest.mark.parametrize("named", [True, False])
def test_here_and_behind_an_address_and_in_the_cache_the_same_are_held_out(tmp_path: Path, named: bool) -> None:
    pairs = [{"bytes": png(number), "path": f"p{number}.png" if named else None} for number in range(COUNT)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    whole = pa.table({"A": pa.array(pairs, kind), "B": pa.array(pairs, kind)})
    memory = fsspec.filesystem("memory")
    for part in range(2):
        name = f"train-{part:05}-of-00002.parquet"
        pq.write_table(whole.slice(part * 25, 25 if part == 0 else None), tmp_path / name, row_group_size=10)
        memory.pipe(f"/portion-{named}/{name}", (tmp_path / name).read_bytes())
    features = datasets.Features({"A": datasets.Image(), "B": datasets.Image()})
    cached = ArrowTable(
        datasets.Dataset.from_list([{"A": pair, "B": pair} for pair in pairs], features=features),
        (),
        where="set",
        layout="",
    )
    here, there = open_table(tmp_path, "train"), open_table(f"memory://portion-{named}", "train")
    assert list(here.keys) == list(there.keys) == list(cached.keys)
    assert here.keys[30] == ("p30" if named else "30")


@pytest.mark.parametrize(("share", "split", "said"), [(0.001, "val", "is none"), (0.999, "train", "is all of them")])
def test_a_share_that_leaves_nothing_says_so(pairs_folder: Path, share: float, split: str, said: str) -> None:
    (pairs_folder / "val").rename(pairs_folder / "extra")
    with pytest.raises(DataError, match=f"{share} of the 6 pairs of .* {said}"):
        Pairs(pairs_folder, split, val_share=share)


def test_columns_that_are_named_are_found_under_a_share_too(pairs_folder: Path) -> None:
    (pairs_folder / "val").rename(pairs_folder / "extra")
    for split in ("train", "extra"):
        (pairs_folder / split / "imageA").rename(pairs_folder / split / "night")
        (pairs_folder / split / "imageB").rename(pairs_folder / split / "day")
    parts = [Pairs(pairs_folder, s, source=("night",), target=("day",), val_share=0.5) for s in ("train", "val")]
    assert sum(map(len, parts)) == 6
