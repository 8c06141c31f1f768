import numpy as np
import pytest

from i2i.data.jitter import Jitter, jitter_of
from i2i.data.order import keyed
from i2i.errors import DataError
from i2i.pairs import Pair


def coordinates(height: int, width: int) -> Pair:
    """A pair whose pixels say where they were."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    where = np.stack([rows, columns], axis=2)
    return Pair(where, where.copy())


def test_both_halves_get_the_same_crop_and_mirror() -> None:
    jitter = Jitter(crop=8, resize=None, mirror=True)
    for index in range(50):
        source, target = jitter.train(coordinates(20, 30), keyed(0, 0, index))
        np.testing.assert_array_equal(source, target)
        assert source.shape == (8, 8, 2)


def test_crops_reach_every_corner_and_mirrors_come_half_of_the_time() -> None:
    jitter = Jitter(crop=8, resize=None, mirror=True)
    tops, lefts, mirrored = set(), set(), 0
    for index in range(600):
        source = jitter.train(coordinates(11, 10), keyed(0, 0, index)).source
        flipped = source[0, 0, 1] > source[0, 1, 1]
        mirrored += int(flipped)
        tops.add(int(source[0, 0, 0]))
        lefts.add(int(source[0, -1 if flipped else 0, 1]))
    assert (tops, lefts) == ({0, 1, 2, 3}, {0, 1, 2})
    assert 240 < mirrored < 360


def test_mirror_off_never_mirrors_and_shifts_no_other_draw() -> None:
    for index in range(20):
        with_mirror = Jitter(8, None, True).train(coordinates(20, 20), keyed(0, 0, index)).source
        without = Jitter(8, None, False).train(coordinates(20, 20), keyed(0, 0, index)).source
        assert without[0, 0, 1] < without[0, 1, 1]
        assert min(with_mirror[0, 0, 1], with_mirror[0, -1, 1]) == without[0, 0, 1]


def test_auto_resize_has_the_ratio_of_the_paper() -> None:
    assert jitter_of(256, "auto", True).resize == 286
    assert jitter_of(128, "auto", True).resize == 143
    assert jitter_of(128, "keep", True).resize is None
    assert jitter_of(128, 200, True).resize == 200


def test_validation_sees_the_whole_picture_or_its_centre() -> None:
    assert Jitter(16, 18, True).test(coordinates(40, 30)).source.shape == (16, 16, 2)
    centre = Jitter(4, None, True).test(coordinates(10, 12)).source
    assert (centre[0, 0, 0], centre[0, 0, 1]) == (3, 4)


@pytest.mark.parametrize("resize", [None, 6])
def test_an_image_smaller_than_the_crop_is_named(resize: int | None) -> None:
    with pytest.raises(DataError, match=r"tiny.* is (7x7|6x6), smaller than data\.crop \(8\)"):
        Jitter(8, resize, True).train(coordinates(7, 7), keyed(0), "tiny")


def test_halves_of_different_size_need_a_resize() -> None:
    pair = Pair(coordinates(10, 12).source, coordinates(12, 12).target)
    with pytest.raises(DataError, match=r"odd: source is 12x10, target 12x12. Set data\.resize"):
        Jitter(8, None, True).train(pair, keyed(0), "odd")
    assert Jitter(8, 9, True).train(pair, keyed(0)).target.shape == (8, 8, 2)
