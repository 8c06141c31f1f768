"""Datasets of class ids: what is right with them is not complained of, what is wrong is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sound_pairs import examined, found

from i2i import images
from i2i.pairs import Pixels
from i2i_doctor.page import write_page
from i2i_doctor.sheet import sheet_of

EXTRA = {"instances": {"column": "instances", "kind": "ids"}}


def ids_like(photo: Pixels) -> Pixels:
    """Three classes by brightness."""
    ids: Pixels = (photo.mean(axis=2, keepdims=True) // 86).astype(np.uint8)
    return ids


@pytest.fixture
def street(dataset: Path) -> Path:
    """The sound set with class ids as sources, and instances of few values besides."""
    for file in dataset.rglob("imageB/*.png"):
        ids = ids_like(images.read(file).pixels)
        images.write(file.parent.parent / "imageA" / file.name, ids)
        (file.parent.parent / "instances").mkdir(exist_ok=True)
        images.write(file.parent.parent / "instances" / file.name, ids.astype(np.uint16) * 20000)
    return dataset


def test_a_sound_set_of_class_ids_has_nothing_to_complain_of(street: Path) -> None:
    assert "dark" in found(street)
    options: dict[str, Any] = {"source_classes": 3, "extra": EXTRA}
    examination = examined(street, options=options)
    assert [diagnosis.code for diagnosis in examination.diagnoses] == []
    assert set(examination.opened.ranges) == {"imageA", "imageB", "instances"}
    assert {fit.problem for fit in examination.fits} == {""}


def test_labels_that_are_not_declared_are_errors(street: Path) -> None:
    file = next((street / "val" / "imageA").iterdir())
    ids = images.read(file, reading="ids").pixels.copy()
    ids[0, 0], ids[5, 5] = 255, 7
    images.write(file, ids)
    diagnosis = found(street, options={"source_classes": 3, "void": 255})["undeclared-label"]
    assert diagnosis.startswith("error 1 Label maps hold 1 value")
    assert diagnosis.endswith(f" 7 in val/{file.stem}")
    assert found(street, options={"source_classes": 8, "void": 255}) == {}


def test_colours_where_ids_are_said_cannot_be_read(street: Path) -> None:
    diagnosis = found(street, options={"target_classes": 3})["unsupported"]
    assert "holds colours. Class ids are gray values" in diagnosis


def test_the_same_photograph_on_both_sides_is_a_leak_whatever_its_ids_are(street: Path) -> None:
    (photo,) = list((street / "train" / "imageB").iterdir())[:1]
    copy = next((street / "val" / "imageB").iterdir())
    noisy = images.read(photo).pixels.astype(int) + np.random.default_rng(0).integers(-2, 3, (1, 1, 3))
    images.write(copy, noisy.clip(0, 255).astype(np.uint8))
    codes = set(found(street, options={"source_classes": 3}))
    assert "near-leak" in codes
    assert "half-leak" not in codes


def test_ids_are_shown_in_colours(street: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"source_classes": 3, "extra": EXTRA}
    shown = sheet_of(street, number=1, options=options).pixels
    assert {(0, 0, 0), (128, 0, 0), (0, 128, 0)} <= {tuple(pixel) for pixel in shown.reshape(-1, 3).tolist()}
    assert write_page(examined(street, options=options), tmp_path / "page").read_text().count("data:image/png") >= 3
