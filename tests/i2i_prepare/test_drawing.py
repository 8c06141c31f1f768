"""Drawings: what looks like the sources stays as it is, and what looks otherwise is redrawn as they are."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from i2i.options import build
from i2i.pairs import Pixels
from i2i_prepare.drawing import SAME_STROKE, Drawing, look_at
from i2i_prepare.lines import thin

SIDE = 64


def face(side: int, thickness: int, *, large: float = 1.0, dy: float = 0.0) -> NDArray[np.uint8]:
    """A round face with eyes and a mouth, black on white, (H, W): drawn at any size, so nothing is resampled."""
    picture = np.full((side * 8, side * 8), 255, np.uint8)
    at = [(0.5, 0.5 + dy, 0.45), (0.35, 0.4 + dy, 0.09), (0.65, 0.4 + dy, 0.09)]
    for x, y, radius in at:
        middle = (round((0.5 + (x - 0.5) * large) * side * 8), round((0.5 + (y - 0.5) * large) * side * 8))
        cv2.circle(picture, middle, round(radius * large * side * 8), 0, thickness * 8)
    left, right = (0.5 - 0.15 * large, 0.5 + 0.15 * large)
    level = 0.5 + (0.2 + dy) * large
    ends = [(round(x * side * 8), round(level * side * 8)) for x in (left, right)]
    cv2.line(picture, ends[0], ends[1], 0, thickness * 8)
    small: NDArray[np.uint8] = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    return small


def source(*, large: float = 1.0) -> Pixels:
    """As `i2i prepare edges` draws it: lines of one pixel, black and white alone."""
    return np.where(thin(face(SIDE, 2, large=large) < 128), 0, 255).astype(np.uint8)[..., None]


def measured(images: list[Pixels]) -> dict[str, Any]:
    options = Drawing.measure(images)
    assert options is not None
    return options


def drawing(**changed: Any) -> Drawing:
    """What sources of lines of one pixel look like."""
    options = measured([source(large=large) for large in (0.9, 0.95, 1.0)])
    made: Drawing = build(Drawing, (SIDE, SIDE), options={**options, **changed}, owner="test")
    return made


def apart(lines: Pixels, others: Pixels) -> float:
    """How far pixels of lines are from the nearest of the others, on average and either way."""
    masks = [image[..., 0] < 128 for image in (lines, others)]
    distances = [cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) for mask in masks]
    return max(float(distances[0][masks[1]].mean()), float(distances[1][masks[0]].mean()))


def test_what_is_measured_is_what_was_drawn() -> None:
    options = measured([source(large=large) for large in (0.9, 1.0)])
    assert options["dark"]
    assert not options["filled"]
    assert options["stroke"] == [1, 1, 1]
    assert options["gray"] == [0, 0, 0]
    assert options["extent"][0] == pytest.approx(0.82, abs=0.02)
    assert options["extent"][2] == pytest.approx(0.92, abs=0.02)
    assert options["centre"] == pytest.approx([0.5, 0.5], abs=0.02)
    assert not measured([255 - source()])["dark"]


@pytest.mark.parametrize("thickness", [3, 12])
def test_width_of_lines_is_measured(thickness: int) -> None:
    assert look_at(face(240, thickness)).stroke == pytest.approx(thickness, rel=0.15)
    assert look_at(face(960, 4 * thickness), 240).stroke == pytest.approx(
        4 * thickness, rel=0.15
    )  # is made smaller first


@pytest.mark.parametrize("large", [0.85, 0.93, 1.0])
def test_a_source_stays_as_it_is(large: float) -> None:
    image = source(large=large)
    fitted = drawing().fit(image)
    assert fitted.pixels is image
    assert not fitted.far
    assert not fitted.done


def test_a_negative_is_inverted_to_the_bit() -> None:
    fitted = drawing().fit(255 - source())
    assert np.array_equal(fitted.pixels, source())
    assert fitted.far == ("light on dark",)
    assert fitted.done == ("inverted",)
    wide = (255 - source()).astype(np.uint16) * 257
    assert np.array_equal(drawing().fit(wide).pixels, source().astype(np.uint16) * 257)


def marker() -> Pixels:
    return face(300, 14)[..., None]


def chalk() -> Pixels:
    return 255 - face(300, 8)[..., None]


def blue_pen_on_yellow() -> Pixels:
    ink = (255 - face(300, 3)[..., None]) / 255
    return np.rint((1 - ink) * [250, 240, 150] + ink * [40, 50, 160]).astype(np.uint8)


def large_page() -> Pixels:
    return np.pad(face(400, 5), ((60, 500), (30, 200)), constant_values=255)[..., None]


def photograph() -> Pixels:
    """On grained paper under a lamp from one side, with a dark desk around it."""
    random = np.random.default_rng(0)
    page = 225 - 0.55 * (255 - face(500, 5).astype(np.float64)) + 3 * random.standard_normal((500, 500))
    y, x = np.indices(page.shape)
    page *= 1 - 0.5 * (x + 0.5 * y) / 750
    framed = cv2.GaussianBlur(np.pad(page, ((25, 40), (60, 15)), constant_values=60), (0, 0), 0.8)
    return np.clip(framed, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.mark.parametrize("made", [marker, chalk, blue_pen_on_yellow, large_page, photograph])
def test_a_drawing_becomes_lines_as_the_sources_have_them(made: Any) -> None:
    fitted = drawing().fit(made())
    assert fitted.far
    assert fitted.done
    assert fitted.pixels.shape == (SIDE, SIDE, 1)
    assert np.isin(fitted.pixels, (0, 255)).all()
    assert apart(fitted.pixels, source(large=0.95)) < 1.2
    assert 1 / SAME_STROKE <= look_at(fitted.pixels[..., 0]).stroke <= SAME_STROKE
    again = drawing().fit(fitted.pixels)
    assert again.pixels is fitted.pixels


def test_size_changes_nothing_about_the_lines() -> None:
    one, two = (drawing().fit(face(side, width)[..., None]).pixels for side, width in ((200, 5), (400, 10)))
    assert apart(one, two) < 0.4


def test_a_negative_becomes_the_same_lines() -> None:
    assert np.array_equal(drawing().fit(marker()).pixels, drawing().fit(255 - marker()).pixels)


def test_sources_may_be_light_and_thick() -> None:
    thick = [255 - face(SIDE, 4, large=large)[..., None] for large in (0.9, 1.0)]
    options = measured(thick)
    made: Drawing = build(Drawing, (SIDE, SIDE), options=options, owner="test")
    assert made.fit(thick[0]).pixels is thick[0]
    fitted = made.fit(face(300, 3)[..., None])
    assert fitted.done[0] == "inverted"
    seen = look_at(fitted.pixels[..., 0])
    assert not seen.ink.dark
    assert 0.89 * seen.stroke == pytest.approx(4, abs=0.6)


def test_what_is_filled_becomes_an_outline() -> None:
    disc = np.full((300, 300), 255, np.uint8)
    cv2.circle(disc, (150, 150), 120, 0, -1)
    ring = np.full((300, 300), 255, np.uint8)
    cv2.circle(ring, (150, 150), 120, 0, 3)
    filled, outline = (drawing().fit(image[..., None]) for image in (disc, ring))
    assert filled.done
    assert apart(filled.pixels, outline.pixels) < 1.0


def test_filled_sources_keep_what_is_filled() -> None:
    discs = []
    for radius in (24, 28):
        image = face(SIDE, 3)
        cv2.circle(image, (32, 32), radius, 0, -1)
        discs.append(image[..., None])
    made: Drawing = build(Drawing, (SIDE, SIDE), options=measured(discs), owner="test")
    assert made.filled
    large = np.asarray(cv2.resize(discs[0], (320, 320), interpolation=cv2.INTER_CUBIC), np.uint8)[..., None]
    assert np.mean(made.fit(large).pixels != np.where(discs[0] < 128, 0, 255)) < 0.1


def test_a_blank_page_is_left_and_said() -> None:
    for level in (0, 128, 255):
        page = np.full((300, 400, 3), level, np.uint8)
        fitted = drawing().fit(page)
        assert fitted.pixels is page
        assert fitted.far == ("blank",)
        assert not fitted.done


@pytest.mark.parametrize("name", ["camera", "coins", "moon", "brick", "grass", "clock"])
def test_a_photograph_is_no_drawing(name: str) -> None:
    photo = getattr(data, name)()
    photo = photo[::2, ::2]
    photo = photo[..., None] if photo.ndim == 2 else photo
    fitted = drawing().fit(photo)
    assert fitted.pixels is photo
    assert fitted.far == ("no line drawing",)
    assert not fitted.done


def test_photographs_have_no_look() -> None:
    assert Drawing.measure([data.camera()[::4, ::4, None], data.coins()[..., None]]) is None
    assert Drawing.measure([]) is None


def test_a_drawing_of_other_proportions_is_not_squeezed() -> None:
    fitted = drawing().fit(np.pad(face(300, 5), ((0, 0), (200, 300)), constant_values=255)[..., None])
    assert apart(fitted.pixels, source(large=0.95)) < 1.2


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 900, 3), (2, 2, 4)])
def test_no_shape_is_too_odd_to_be_compared(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    drawing().fit(random.integers(0, 256, shape, np.uint8))
