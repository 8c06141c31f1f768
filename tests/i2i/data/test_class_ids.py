"""Class ids and further columns of pairs: read as stored, one number a pixel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from i2i import images
from i2i.data.dataset import Pairs, open_pairs
from i2i.errors import DataError, I2iError, UsageError
from i2i.fields import Field
from i2i.pairs import Pixels, by_name

IDS = np.arange(12, dtype=np.uint8).reshape(3, 4)
Writer = Callable[[Path, Pixels], None]


def gray(path: Path, ids: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, ids[..., None])


def with_palette(path: Path, ids: Pixels) -> None:
    """Ids as indices of colours that say nothing about them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8), "P")
    image.putpalette([255 - value // 3 for value in range(768)])
    image.save(path)


def photo(path: Path, value: int = 7) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((3, 4, 3), value, np.uint8))


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """One pair of a photograph and its ids, with instances of 16 bits and a photograph to be like."""
    photo(tmp_path / "train" / "imageA" / "x.png")
    gray(tmp_path / "train" / "imageB" / "x.png", IDS)
    gray(tmp_path / "train" / "instances" / "x.png", IDS.astype(np.uint16) * 2000)
    photo(tmp_path / "train" / "style" / "x.png", 200)
    return tmp_path


def read(root: Path, **options: Any) -> Pairs:
    """Pairs with options as the command line gives them."""
    pairs = open_pairs(root, "train", options=options)
    assert isinstance(pairs, Pairs)
    return pairs


@pytest.mark.parametrize("write", [gray, with_palette])
def test_ids_are_read_as_they_are_stored(tmp_path: Path, write: Writer) -> None:
    photo(tmp_path / "train" / "imageA" / "x.png")
    write(tmp_path / "train" / "imageB" / "x.png", IDS)
    pairs = Pairs(tmp_path, "train", target_classes=12, void=11)
    np.testing.assert_array_equal(pairs.pair(0).target, IDS[..., None], strict=True)
    target = pairs.fields["target"]
    assert (target.kind, target.channels, target.void, target.dtype) == ("ids", 12, 11, "uint8")
    assert pairs.fields["source"].kind == "image"
    turned = Pairs(tmp_path, "train", source_classes=12, direction="BtoA")
    assert [field.kind for field in turned.fields.values()] == ["ids", "image"]


def test_further_columns_become_fields(street: Path) -> None:
    extra = {
        "instances": {"column": "instances", "kind": "ids"},
        "reference": {"column": "style"},
    }
    pairs = read(street, target_classes=12, extra=extra)
    item = by_name(pairs[0])
    assert list(item) == ["source", "target", "instances", "reference"]
    np.testing.assert_array_equal(item["instances"], IDS[..., None].astype(np.uint16) * 2000, strict=True)
    assert (item["source"][0, 0, 0], item["reference"][0, 0, 0]) == (7, 200)
    fields = pairs.fields
    assert (fields["instances"].kind, fields["instances"].channels, fields["instances"].dtype) == ("ids", 0, "uint16")
    assert fields["reference"] == Field(channels=3, columns=fields["reference"].columns)
    assert fields["reference"].columns[0].name == "style"


def test_further_columns_leave_direction_and_names_of_the_pair_as_they_are(street: Path) -> None:
    extra = {"instances": {"column": "instances", "kind": "ids", "classes": 3}}
    turned = by_name(read(street, direction="BtoA", source_classes=12, extra=extra)[0])
    assert (turned["source"].shape, turned["target"].shape) == ((3, 4, 1), (3, 4, 3))
    named = by_name(read(street, source=["style"], target=["imageA"], extra=extra)[0])
    assert (named["source"][0, 0, 0], named["target"][0, 0, 0]) == (200, 7)


def test_a_list_may_name_further_columns(street: Path) -> None:
    (street / "train" / "metadata.jsonl").write_text(
        '{"imageA_file_name": "imageA/x.png", "imageB_file_name": "imageB/x.png", "map_file_name": "instances/x.png"}'
    )
    pairs = read(street, extra={"instances": {"column": "map", "kind": "ids"}})
    assert by_name(pairs[0])["instances"].dtype == np.uint16


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"source_classes": 3}, DataError, r"imageA.x\.png' holds colours\. Class ids are gray values or indices"),
        ({"target_classes": 3, "target_channels": 1}, UsageError, "Class ids of target are one column, without"),
        ({"target_classes": 3, "target_range": (0, 3)}, UsageError, "Class ids of target are one column, without"),
        (
            {"source": ("imageA", "style"), "target": ("imageB",), "source_classes": 3},
            UsageError,
            "Class ids of source are one column",
        ),
        ({"extra": {"masks": {"column": "mask"}}}, UsageError, r"no column 'mask'\."),
        ({"extra": {"target": {"column": "style"}}}, UsageError, "has a field 'target', which every pair has"),
        ({"extra": {"masks": {"kind": "ids"}}}, UsageError, r"option 'extra\.masks\.column' is required"),
        ({"colours": "lab", "source_classes": 3}, UsageError, "one column of RGB|channels, range and classes away"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    street: Path, options: dict[str, Any], error: type[I2iError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        read(street, **options)[0]


def test_a_b_files_hold_two_images_only(tmp_path: Path) -> None:
    gray(tmp_path / "train" / "x.png", np.hstack([IDS, IDS + 1]))
    pair = Pairs(tmp_path, "train", layout="ab", target_classes=13).pair(0)
    np.testing.assert_array_equal(pair.target[..., 0], IDS + 1)
    with pytest.raises(UsageError, match="no column 'instances'"):
        read(tmp_path, layout="ab", extra={"instances": {"column": "instances"}})


def test_a_prepared_set_knows_its_classes_unless_others_are_said(street: Path) -> None:
    (street / "dataset.yaml").write_text("facts: {classes: {imageB: 12}, void: 11}")
    known = Pairs(street, "train").fields
    assert (known["source"].kind, known["target"].kind) == ("image", "ids")
    assert (known["target"].channels, known["target"].void) == (12, 11)
    said = Pairs(street, "train", target_classes=40, void=3).fields["target"]
    assert (said.channels, said.void) == (40, 3)
    as_images = Pairs(street, "train", source=("imageA", "imageB"), target=("style",)).fields["source"]
    assert (as_images.kind, as_images.channels) == ("image", 4)
    (street / "dataset.yaml").write_text("facts: {classes: {imageB: many}, void: [11]}")
    assert Pairs(street, "train").fields["target"].kind == "image"
