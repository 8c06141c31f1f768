import numpy as np
import pytest

from i2i.pairs import Pixels, SkipError
from i2i_tiles import filters


def canvas(colour: tuple[int, ...], dtype: type[np.generic] = np.uint8) -> Pixels:
    return np.full((10, 10, len(colour)), colour, dtype)


def reason_of(check: object, *arguments: object) -> str:
    with pytest.raises(SkipError) as raised:
        check(*arguments, "here")  # type: ignore[operator]
    return raised.value.reason


def test_detail_is_on_the_scale_of_8_bits() -> None:
    half = canvas((0,))
    half[5:] = 100
    assert filters.detail(half) == pytest.approx(50)
    assert filters.detail(half.astype(np.uint16) * 257) == pytest.approx(50)
    assert filters.detail(half.astype(np.float32) / 127.5 - 1) == pytest.approx(50, abs=1e-3)


def test_a_picture_of_nothing_is_blank() -> None:
    assert reason_of(filters.check_detail, canvas((7, 200, 30)), 1.0) == "blank"
    filters.check_detail(canvas((7, 200, 30)), 0.0, "here")


def test_a_picture_of_one_colour_and_a_speck_is_one_colour() -> None:
    sea = canvas((7, 200, 30))
    sea[0, 0] = (7, 200, 31)
    assert filters.commonest(sea) == pytest.approx(0.99)
    assert reason_of(filters.check_colours, sea, 0.98) == "one-colour"
    filters.check_colours(sea, 0.99, "here")


def test_bright_and_colourless_is_cloud_and_bright_or_colourless_alone_is_not() -> None:
    sky = np.concatenate([canvas((250, 250, 245)), canvas((250, 230, 60)), canvas((90, 90, 90))])
    assert filters.cloudy(sky) == pytest.approx(1 / 3)
    assert reason_of(filters.check_clouds, sky, 0.3) == "cloud"
    filters.check_clouds(sky, 0.34, "here")


def test_holes_are_nodata() -> None:
    filled = np.ones((10, 10), np.bool_)
    filters.check_filled(filled, 0.0, "here")
    filled[0, 0] = False
    assert reason_of(filters.check_filled, filled, 0.0) == "nodata"
    filters.check_filled(filled, 0.01, "here")
