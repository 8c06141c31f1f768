import numpy as np
import pytest

from i2i import images


def test_every_depth_and_channel_count_becomes_something_to_look_at() -> None:
    assert images.as_rgb(np.array([[[65535, 0, 32768]]], np.uint16)).tolist() == [[[255, 0, 128]]]
    assert images.as_rgb(np.array([[[-1.0], [1.0]]], np.float32)).tolist() == [[[0] * 3, [255] * 3]]
    assert images.as_rgb(np.array([[[1, 2, 3, 4, 5]]], np.uint8)).tolist() == [[[1, 2, 3]]]
    assert images.as_rgb(np.array([[[7, 9]]], np.uint8)).tolist() == [[[7, 7, 7]]]


def test_classes_have_the_colours_of_pascal_voc() -> None:
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 8: (64, 0, 0), 15: (192, 128, 128), 255: (224, 224, 192)}
    shown = images.class_colours(np.array([[[each] for each in known]], np.uint16))
    assert (shown.dtype, list(map(tuple, shown[0].tolist()))) == (np.uint8, list(known.values()))


def test_classes_are_told_apart_by_their_colours() -> None:
    shown = images.class_colours(np.arange(65_536).reshape(256, 256, 1))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 65_536


def test_images_stand_in_rows_framed_in_white() -> None:
    rows = [[np.full((6, 8, 1), 10 * row + column, np.uint8) for column in range(3)] for row in range(2)]
    sheet = images.contact_sheet(rows)
    assert (sheet.shape, sheet.dtype) == ((2 * 10, 3 * 12, 3), np.uint8)
    assert [[int(sheet[5 + 10 * row, 6 + 12 * column, 0]) for column in range(3)] for row in range(2)] == [
        [0, 1, 2],
        [10, 11, 12],
    ]
    assert (sheet[:2] == 255).all()


def test_all_images_are_brought_to_the_size_of_the_first() -> None:
    sheet = images.contact_sheet([[np.zeros((4, 4, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)]])
    assert sheet.shape == (8, 16, 3)


@pytest.mark.parametrize("side", [16, 64, 200, 600])
def test_words_stand_above_their_images_and_fit_them(side: int) -> None:
    rows = [[np.full((side, side, 1), 99, np.uint8)] * 3]
    plain, labelled = images.contact_sheet(rows), images.contact_sheet(rows, ("source", "", "target"))
    assert (labelled[-plain.shape[0] :] == plain).all()
    strips = np.split(labelled[: -plain.shape[0]], 3, axis=1)
    assert [int(strip.min()) < 160 for strip in strips] == [True, False, True]
    assert all((strip[:, -1] == 255).all() for strip in strips)
    assert 12 <= strips[0].shape[0] <= max(24, side / 10)


@pytest.mark.parametrize(("height", "width", "rows"), [(8, 8, 1), (16, 16, 6), (24, 60, 3), (300, 200, 2)])
def test_pictures_are_taken_out_of_a_sheet_as_they_went_in(height: int, width: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (rows, 3, height, width, 3), np.uint8)
    sheet = images.contact_sheet([list(row) for row in pictures], ["source", "output of a long name", ""])
    assert np.array_equal(np.array(images.pictures_of(sheet, height, width)), pictures)
    with pytest.raises(images.ImageError, match="no sheet of pictures of 7x7"):
        images.pictures_of(sheet, 7, 7)


@pytest.mark.parametrize(
    ("size", "printed"), [((64, 64), (192, 192)), ((100, 50), (400, 200)), ((1024, 512), (512, 256))]
)
def test_what_is_printed_is_neither_tiny_nor_huge(size: tuple[int, int], printed: tuple[int, int]) -> None:
    assert images.sized_for_print(np.zeros((*size, 3), np.uint8)).shape == (*printed, 3)
