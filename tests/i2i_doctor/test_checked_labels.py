"""Label maps against the labels that were declared."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sound_pairs import SIDE, TRAIN, VAL, examined, found, picture

from i2i import images
from i2i.errors import UsageError
from i2i.images.label_list import Label


def numbered(dataset: Path, half: str) -> list[tuple[int, Path]]:
    """Every file of a column, and the seed of its picture."""
    return [(int(file.stem[1:]), file) for file in sorted(dataset.glob(f"*/{half}/*.png"))]


def test_labels_that_nobody_declared_are_named_with_the_files(dataset: Path) -> None:
    labels = [Label(0, "sky"), Label(3, "road")]
    for number, file in numbered(dataset, "imageA"):
        ids = np.where(picture(number)[..., :1] > 99, 3, 0).astype(np.uint8)
        ids[number : number + 3, :5] = 9 if file.stem == "t2" else 3
        images.write(file, ids)
    codes = found(dataset, labels=labels)
    assert codes.keys() == {"undeclared-label"}
    assert codes["undeclared-label"].startswith("error 1 Label maps hold 1 value")
    assert "9 in train/t2" in codes["undeclared-label"]
    examination = examined(dataset, labels=[*labels, Label(9, "car")])
    assert examination.diagnoses == []
    assert examination.known.labels == {0: TRAIN + VAL, 3: TRAIN + VAL, 9: 1}


def test_coloured_labels_are_held_against_declared_colours(dataset: Path) -> None:
    labels = [Label(0, "sky", (0, 0, 255)), Label(1, "road", (128, 64, 128))]
    for number, file in numbered(dataset, "imageB"):
        where = picture(number)[..., :1] > 99
        colours = np.where(where, np.array((0, 0, 255)), np.array((128, 64, 128))).astype(np.uint8)
        colours[:2, :2] = (128, 64, 127) if file.stem == "v9" else (0, 0, 255)
        images.write(file, colours)
    codes = found(dataset, labels=labels, label_column="imageB")
    assert "#80407f in val/v9" in codes["undeclared-label"]


def test_labels_in_a_palette_are_its_indices(dataset: Path) -> None:
    for number, file in numbered(dataset, "imageA"):
        indexed = Image.new("P", (SIDE, SIDE))
        indexed.putdata((picture(number)[..., 0] // 100).ravel().tolist())
        indexed.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
        indexed.save(file)
    assert examined(dataset, labels=[Label(n, str(n)) for n in range(3)]).diagnoses == []


def test_a_column_that_is_not_there_is_refused(sound: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'imageB'"):
        examined(sound, labels=[Label(0, "sky")], label_column="image_B")
    with pytest.raises(UsageError, match="no labels"):
        examined(sound, label_column="imageB")
