"""Label maps keep their classes, and nothing undeclared gets through."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from i2i import images
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images import geometry
from i2i.options import build
from i2i.pairs import Pixels
from i2i_prepare.labels import Labels, pascal_voc

OWNER = "preparer 'labels'"
COLOURS = {0: (0, 0, 0), 7: (128, 64, 128), 11: (70, 70, 70), 26: (0, 0, 142)}
"""Some of Cityscapes."""


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    rows = [f"{number},class {number},#{bytes(colour).hex()}" for number, colour in COLOURS.items()]
    path.write_text("\n".join(["id,name,colour", *rows]))
    return path


@pytest.fixture
def names_only(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(f"{number} class {number}" for number in COLOURS))
    return path


def photo(height: int, width: int) -> Pixels:
    picture: Pixels = geometry.resize(data.astronaut(), height, width)
    return picture


def street(height: int = 48, width: int = 48) -> Pixels:
    """An id map with all of Cityscapes' four, in patches."""
    coarse = np.random.default_rng(0).choice(list(COLOURS), (6, 6)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)[..., None]


def coloured(ids: Pixels) -> Pixels:
    drawn = np.zeros((*ids.shape[:2], 3), np.uint8)
    for number, colour in COLOURS.items():
        drawn[ids[..., 0] == number] = colour
    return drawn


def test_ids_become_the_declared_colours_and_colours_stay(declared: Path) -> None:
    preparer = Labels(labels=declared, size=48)
    for stored in (street(), coloured(street())):
        source, target = preparer(stored, photo(48, 48))
        np.testing.assert_array_equal(source, coloured(street()))
        np.testing.assert_array_equal(target, photo(48, 48))


def test_ids_and_colours_become_the_same_ids(declared: Path) -> None:
    preparer = Labels(labels=declared, size=48, encoding="ids")
    for stored in (street(), coloured(street())):
        source = preparer(stored, photo(48, 48)).source
        np.testing.assert_array_equal(source, street())
        assert source.dtype == np.uint8


def test_onehot_has_a_channel_a_class_in_the_order_of_ids(declared: Path) -> None:
    source = Labels(labels=declared, size=48, encoding="onehot", ignore=11)(street(), photo(48, 48)).source
    assert source.shape == (48, 48, 3)
    for channel, number in enumerate([0, 7, 26]):
        np.testing.assert_array_equal(source[..., channel], (street()[..., 0] == number) * 255)
    assert (source.sum(2)[street()[..., 0] == 11] == 0).all()


def test_onehot_of_many_classes_is_written_as_npy(tmp_path: Path, names_only: Path) -> None:
    source = Labels(labels=names_only, size=48, encoding="onehot")(street(), photo(48, 48)).source
    assert source.shape == (48, 48, 4)
    path = tmp_path / f"1{images.suffix_for(source)}"
    images.write(path, source)
    np.testing.assert_array_equal(images.read(path).pixels, source)


def test_the_colours_of_pascal_voc_are_the_published_ones(names_only: Path) -> None:
    # background, aeroplane, bicycle, bird, boat, person, potted plant, tv monitor, void
    ids = np.array([0, 1, 2, 3, 4, 15, 16, 20, 255])
    published = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]]
    published += [[192, 128, 128], [0, 64, 0], [0, 64, 128], [224, 224, 192]]
    np.testing.assert_array_equal(pascal_voc(ids), published)
    source = Labels(labels=names_only, size=48)(street(), photo(48, 48)).source  # which has no colours
    np.testing.assert_array_equal(source, pascal_voc(street()[..., 0].ravel()).reshape(48, 48, 3))
    assert len(np.unique(pascal_voc(np.arange(65536)), axis=0)) == 65536


def test_without_a_list_ids_and_colours_are_taken_as_they_are() -> None:
    ids = street().astype(np.uint16) * 300
    source = Labels(size=48, encoding="ids")(ids, photo(48, 48)).source
    np.testing.assert_array_equal(source, ids)
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(Labels(size=48)(coloured(street()), photo(48, 48)).source, coloured(street()))
    with pytest.raises(DataError, match="no label was declared with one"):
        Labels(size=48, encoding="ids")(coloured(street()), photo(48, 48))


def test_the_type_of_ids_is_that_of_all_declared_not_of_one_map(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("0 nothing\n300 something")
    assert Labels(labels=path, size=16, encoding="ids")(
        np.zeros((16, 16, 1), np.uint8), photo(16, 16)
    ).source.dtype == (np.uint16)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_every_pixel_takes_what_is_at_its_centre(old_h: int, old_w: int, height: int, width: int) -> None:
    values = np.arange(old_h * old_w).reshape(old_h, old_w, 1)
    found = geometry.pick(values, height, width)
    for y in range(height):
        for x in range(width):
            # exact arithmetic: the centre of pixel y is at (2 y + 1) / (2 height) of the image
            row, column = (2 * y + 1) * old_h // (2 * height), (2 * x + 1) * old_w // (2 * width)
            assert found[y, x, 0] == values[row, column, 0]


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_map_and_photograph_stay_aligned(declared: Path, fit: geometry.Fit) -> None:
    ids = street(60, 96)
    source, target = Labels(labels=declared, size=48, fit=fit, ignore=255)(ids, coloured(ids))
    edges = (np.abs(source.astype(int) - target).sum(2) > 0).mean()
    void = (source == 0).all(2) & (target == 255).all(2)
    assert edges - void.mean() < 0.25  # mixed pixels between patches only
    assert void.mean() == pytest.approx(18 / 48 if fit == "pad" else 0)


def test_padding_is_the_id_to_ignore(names_only: Path) -> None:
    preparer = Labels(labels=names_only, size=48, fit="pad", ignore=300, encoding="ids")
    source, target = preparer(street(24, 48), photo(24, 48))
    assert source.dtype == np.uint16
    assert (source[:12] == 300).all()
    assert (target[:12] == 255).all()
    np.testing.assert_array_equal(source[12:36], street(24, 48))


def test_other_proportions_are_refused(declared: Path) -> None:
    with pytest.raises(DataError, match="The label map is 48x48 and its photograph 48x60"):
        Labels(labels=declared)(street(48, 48), photo(60, 48))


def test_undeclared_ids_are_refused_by_value_and_place(declared: Path) -> None:
    ids = street()
    ids[5, 9], ids[6, 0], ids[7] = 99, 3, 41
    with pytest.raises(DataError, match=r"The id 99 at x=9, y=5 is not declared in '.*labels.csv', nor are 3, 41\."):
        Labels(labels=declared)(ids, photo(48, 48))
    many = np.arange(100, 100 + 48, dtype=np.uint8)[:, None, None].repeat(48, 1)
    with pytest.raises(DataError, match="nor are 101, 102, 103 and more"):
        Labels(labels=declared)(many, photo(48, 48))


def test_undeclared_colours_are_refused_and_near_ones_taken_by_tolerance(declared: Path) -> None:
    drawn = coloured(street())
    drawn[3, 4] = (131, 64, 124)  # five from the road
    with pytest.raises(DataError, match=r"The colour #83407c at x=4, y=3 is not declared"):
        Labels(labels=declared, tolerance=4.9)(drawn, photo(48, 48))
    assert Labels(labels=declared, tolerance=5, size=48, encoding="ids")(drawn, photo(48, 48)).source[3, 4] == 7


def test_a_map_that_went_through_jpeg_is_mended(declared: Path) -> None:
    ids = street(96, 96)
    file = cv2.imencode(".jpg", coloured(ids)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    damaged = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB))
    assert (damaged != coloured(ids)).any(2).mean() > 0.1
    source = Labels(labels=declared, size=96, encoding="ids", tolerance=100)(damaged, photo(96, 96)).source
    assert (source != ids).mean() < 0.01


def test_ignored_ids_need_not_be_declared(declared: Path) -> None:
    ids = street()
    ids[:10] = 255
    source = Labels(labels=declared, size=48, ignore=255)(ids, photo(48, 48)).source
    assert (source[:10] == 0).all()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.zeros((48, 48, 4), np.uint8), "not 4 channels of uint8"),
        (np.zeros((48, 48, 1), np.float32), "not 1 channels of float32"),
        (np.zeros((48, 48, 3), np.uint16), "colours of 16 bits"),
    ],
)
def test_what_is_no_label_map_is_refused(declared: Path, stored: Pixels, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Labels(labels=declared)(stored, photo(48, 48))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fit": "pad"}, "needs an id to pad"),
        ({"encoding": "onehot"}, "need to know the classes"),
        ({"tolerance": 3}, "need to know the classes"),
        ({"ignore": 70000}, "less than or equal to 65535"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Labels, options=options, owner=OWNER)


def test_a_list_with_some_colours_and_too_many_classes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("0 sky #0000ff\n1 road")
    with pytest.raises(UsageError, match="'road' has no colour"):
        Labels(labels=path)
    path.write_text("\n".join(f"{number} class" + str(number) for number in range(256)))
    with pytest.raises(UsageError, match="256 classes are too many"):
        Labels(labels=path, encoding="onehot")


def test_a_missing_list_is_named() -> None:
    with pytest.raises(MissingInputError, match=r"nowhere\.csv"):
        Labels(labels=Path("nowhere.csv"))
