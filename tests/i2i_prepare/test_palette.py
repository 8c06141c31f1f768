"""Palettes hold the colours that are there, and say which are blank."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from skimage import color, data

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.options import build
from i2i.pairs import Pair, Pixels, SkipError
from i2i_prepare.palette import Palette, palette_of

FLAG = np.array([[10, 10, 60], [160, 20, 30], [60, 120, 60], [240, 200, 40], [250, 250, 250]], np.uint8)
"""Five colours from dark to light in Lab, far apart."""


def flag(jitter: int = 0, dtype: Any = np.uint8) -> Pixels:
    """The five colours in shuffled blocks of different sizes, every pixel off by a little."""
    rows = np.repeat([3, 0, 4, 2, 1], [10, 30, 20, 25, 15])
    noise = np.random.default_rng(0).integers(-jitter, jitter, (100, 90, 3), endpoint=True)
    picture: Pixels = np.clip(FLAG[rows][:, None].astype(int) + noise, 0, 255)
    if dtype == np.float32:
        return (picture / 127.5 - 1).astype(np.float32)
    deep: Pixels = (picture * (np.iinfo(dtype).max // 255)).astype(dtype)
    return deep


def columns(palette: Pixels, k: int = 5) -> list[Pixels]:
    """The stripes of a palette as it is drawn."""
    starts = [-(-i * palette.shape[1] // k) for i in range(k + 1)]
    return [palette[:, a:b] for a, b in pairwise(starts)]


def is_plain(stripe: Pixels) -> bool:
    return len(np.unique(stripe.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colours_of_a_flag_are_found_from_dark_to_light(dtype: Any) -> None:
    target = Palette(size=80)(flag(6, dtype)).target
    assert target.dtype == dtype
    for stripe, expected in zip(columns(target), FLAG, strict=True):
        assert is_plain(stripe)
        value = stripe[0, 0].astype(float)
        shown = (value + 1) * 127.5 if dtype == np.float32 else value * 255 / np.iinfo(dtype).max
        np.testing.assert_allclose(shown, expected, atol=3)


def test_colours_of_a_photograph_are_as_near_as_those_of_scikit_learn_would_be() -> None:
    photo = data.astronaut()[::4, ::4]
    lab = color.rgb2lab(photo).reshape(-1, 3)
    colours = palette_of(photo, 6, np.random.default_rng(0))
    centres = color.rgb2lab(colours[None] / 255)[0]

    def cost(points: Any) -> float:
        return float((((lab[:, None] - points) ** 2).sum(2)).min(1).mean())

    # Lloyd's iteration from there cannot make it much better: it is at a minimum
    refined = centres
    for _ in range(20):
        nearest = ((lab[:, None] - refined) ** 2).sum(2).argmin(1)
        refined = np.stack([lab[nearest == label].mean(0) for label in range(6)])
    assert cost(centres) < 1.03 * cost(refined)
    assert (np.diff(centres[:, 0]) > -3).all()


@pytest.mark.parametrize(("blank", "blanks"), [(0.4, 2), (0.2, 1), (1, 5), (0.5, 2)])
def test_so_many_stripes_are_blank_and_the_others_as_in_the_target(blank: float, blanks: int) -> None:
    source, target = Palette(size=80, blank=blank)(flag(6))
    same = [np.array_equal(a, b) for a, b in zip(columns(source), columns(target), strict=True)]
    plain = [is_plain(stripe) for stripe in columns(source)]
    assert same == plain
    assert plain.count(False) == blanks


def test_which_are_blank_follows_from_the_seed_and_the_image() -> None:
    def source(seed: int, picture: Pixels) -> bytes:
        return Palette(size=64, seed=seed)(picture).source.tobytes()

    assert source(1, flag(6)) == source(1, flag(6))
    assert len({source(seed, flag(6)) for seed in range(9)}) > 3


def test_the_image_can_be_the_target() -> None:
    photo = data.coffee()
    source, target = Palette(size=64, target="image", blank=0)(photo)
    np.testing.assert_array_equal(target, geometry.fit(photo, 64, "crop"))
    assert all(is_plain(stripe) for stripe in columns(source))


def test_hints_are_dots_of_the_colours_where_they_occur() -> None:
    picture = flag()
    source, target = Palette(size=96, fit="stretch", target="image", source="hints", blank=0.4)(picture)
    coloured = source.max(2).astype(int) - source.min(2) > 8
    assert 0 < coloured.mean() < 0.05
    assert np.abs(source[coloured].astype(int) - target[coloured]).mean() < 6
    gray = source[~coloured][:, 0].astype(float)
    np.testing.assert_allclose(gray, target[~coloured] @ (0.299, 0.587, 0.114), atol=6)


def test_no_dot_is_drawn_for_a_blank_colour() -> None:
    def dots(blank: float) -> Pair:
        return Palette(size=96, target="image", source="hints", blank=blank)(flag())

    assert (dots(1).source.max(2) == dots(1).source.min(2)).all()
    assert (dots(0.2).source != dots(0).source).any()


@pytest.mark.parametrize(
    ("image", "k", "reason"), [(flag(), 6, "few-colours"), (flag()[..., :1], 5, "gray")], ids=["few", "gray"]
)
def test_images_without_a_palette_are_skipped(image: Pixels, k: int, reason: str) -> None:
    with pytest.raises(SkipError) as caught:
        Palette(k=k)(image)
    assert caught.value.reason == reason


def test_other_than_rgb_is_refused() -> None:
    with pytest.raises(DataError, match="not of 2 channels"):
        Palette()(flag()[..., :2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blank": 0}, "source and target are equal"),
        ({"blank": 0.09}, "With blank 0.09 of 5 colours"),
        ({"source": "hints"}, "Hints go with the image as target"),
        ({"k": 1}, "greater than or equal to 2"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Palette, options=options, owner="preparer 'palette'")
