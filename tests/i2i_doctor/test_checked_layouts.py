"""What is found does not depend on how the pairs are stored, nor on how training would ask for their channels."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from sound_pairs import examined, picture, write

from i2i import images
from i2i.data.dataset import Pairs
from i2i_doctor.completeness import measured_channels

SIDES = ("imageA", "imageB")


def rows(sound: Path, split: str) -> dict[str, list[Any]]:
    """The images of a split as columns of bytes, with the names of the pairs."""
    names = sorted(file.stem for file in (sound / split / "imageA").iterdir())
    halves = {side: [(sound / split / side / f"{name}.png").read_bytes() for name in names] for side in SIDES}
    return {**halves, "name": names}


def as_parquet(sound: Path, root: Path) -> None:
    for split in ("train", "val"):
        pq.write_table(pa.table(rows(sound, split)), root / f"{split}.parquet", row_group_size=3)


def as_shards(sound: Path, root: Path) -> None:
    for split in ("train", "val"):
        found = rows(sound, split)
        with tarfile.open(root / f"{split}-0.tar", "w") as tar:
            for side in SIDES:
                for name, data in zip(found["name"], found[side], strict=True):
                    member = tarfile.TarInfo(f"{name}.{side}.png")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def as_saved(sound: Path, root: Path) -> None:
    splits = {split: datasets.Dataset.from_dict(rows(sound, split)) for split in ("train", "val")}
    datasets.DatasetDict(splits).save_to_disk(root)


@pytest.mark.parametrize("store", [as_parquet, as_shards, as_saved])
def test_the_findings_are_those_of_the_same_pairs_in_folders(
    store: Callable[[Path, Path], None], sound: Path, tmp_path: Path
) -> None:
    root = tmp_path / "stored"
    root.mkdir()
    store(sound, root)
    expected, stored = examined(sound), examined(root)
    assert stored.diagnoses == expected.diagnoses == []
    assert [*map(stored.opened.name, range(11))] == [*map(expected.opened.name, range(11))]
    for side in SIDES:
        assert np.array_equal(stored.known.facts[side], expected.known.facts[side])


@pytest.mark.parametrize("colour", [None, 2])
def test_channels_that_were_measured_are_those_that_training_finds(colour: int | None, dataset: Path) -> None:
    for number, file in enumerate(sorted((dataset / "train/imageA").iterdir())):
        if number != colour:
            images.write(file, picture(number)[..., :1])
    examination, pairs = examined(dataset), Pairs(dataset, "train")
    found = [[column.channels for column in side.columns] for side in pairs.sides(pairs[0])]
    assert found == [[1 if colour is None else 3], [3]]
    assert list(measured_channels(examination.known, "train").values()) == found


def test_channels_are_left_to_training_where_an_image_could_not_be_read(dataset: Path) -> None:
    write(dataset, "train", "t0", picture(0), picture(1))
    (dataset / "train/imageB/t0.png").write_bytes(b"")
    examination = examined(dataset)
    assert list(measured_channels(examination.known, "train")) == ["source_channels"]
    assert "training-stops" in {diagnosis.code for diagnosis in examination.diagnoses}
