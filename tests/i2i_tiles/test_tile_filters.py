from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from i2i.pairs import Pixels, SkipError
from i2i_tiles.pairing import Limits, check_worth, detail
from i2i_tiles.sources import Patch

LIMITS = Limits(None, False, False, max_nodata=0.0, min_detail=1.0, max_one_colour=0.98, max_cloud=0.3)


def canvas(colour: tuple[int, ...], dtype: type[np.generic] = np.uint8) -> Pixels:
    return np.full((10, 10, len(colour)), colour, dtype)


def reason_of(pixels: Pixels, *, is_drawn: bool = False, holes: int = 0, **limits: Any) -> str | None:
    """Why a picture is left out, if it is."""
    filled = np.ones(pixels.shape[:2], np.bool_)
    filled.flat[:holes] = False
    try:
        check_worth(Patch(pixels, filled), replace(LIMITS, **limits), "here", is_drawn=is_drawn)
    except SkipError as error:
        return error.reason
    return None


def test_detail_is_on_the_scale_of_8_bits() -> None:
    half = canvas((0,))
    half[5:] = 100
    assert detail(half) == pytest.approx(50)
    assert detail(half.astype(np.uint16) * 257) == pytest.approx(50)
    assert detail(half.astype(np.float32) / 127.5 - 1) == pytest.approx(50, abs=1e-3)


def test_a_picture_of_nothing_is_blank() -> None:
    assert reason_of(canvas((7, 200, 30))) == "blank"
    assert reason_of(canvas((7, 200, 30)), min_detail=0.0) is None


def test_a_drawn_map_of_one_colour_and_a_speck_is_one_colour() -> None:
    sea = canvas((7, 200, 30))
    sea[0, 0] = (90, 90, 90)
    assert reason_of(sea, is_drawn=True, max_one_colour=0.9899) == "one-colour"
    assert reason_of(sea, is_drawn=True, max_one_colour=0.99) is None
    assert reason_of(sea) is None


def test_bright_and_colourless_is_cloud_and_bright_or_colourless_alone_is_not() -> None:
    sky = np.concatenate([canvas((250, 250, 245)), canvas((250, 230, 60)), canvas((90, 90, 90))])
    assert reason_of(sky, max_cloud=0.333) == "cloud"
    assert reason_of(sky, max_cloud=0.334) is None
    assert reason_of(sky, max_cloud=None) is None
    assert reason_of(sky, is_drawn=True) is None


def test_holes_are_nodata() -> None:
    picture = np.random.default_rng(0).integers(0, 200, (10, 10, 3), np.uint8)
    assert reason_of(picture) is None
    assert reason_of(picture, holes=1) == "nodata"
    assert reason_of(picture, holes=1, max_nodata=0.01) is None
