"""Holes are where the method says, and follow from the seed and the photograph alone."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from i2i.errors import UsageError
from i2i.pairs import Pixels
from i2i_prepare.inpaint import Inpaint, block, centre, scattered, stroke


def photo(size: int = 96) -> Pixels:
    picture: Pixels = data.astronaut()[:size, 150 : 150 + size]
    return picture


def holes_of(preparer: Inpaint, picture: Pixels) -> Any:
    """Where source and target differ, for a fill that no photograph has everywhere."""
    *_, mask = np.moveaxis(preparer(picture).source, 2, 0)
    return mask == np.iinfo(mask.dtype).max


@pytest.mark.parametrize(("share", "side"), [(0.25, 128), (0.09, 77), (0.01, 26)])
def test_the_central_block_is_that_of_the_papers(share: float, side: int) -> None:
    expected = np.zeros((256, 256), bool)
    start = (256 - side) // 2
    expected[start : start + side, start : start + side] = True
    np.testing.assert_array_equal(centre(256, share), expected)


def test_only_the_hole_is_filled() -> None:
    source, target = Inpaint(size=96, fill="#102030")(photo())
    np.testing.assert_array_equal(target, photo())
    assert (source[24:72, 24:72] == (16, 32, 48)).all()
    source[24:72, 24:72] = target[24:72, 24:72]
    np.testing.assert_array_equal(source, target)


@settings(max_examples=20)
@given(st.sampled_from([block, stroke]), st.integers(8, 90), st.floats(0.01, 0.9), st.integers(0, 2**32))
def test_scattered_holes_cover_their_share_by_one_shape_at_most(draw: Any, size: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    holes = scattered(size, share, draw, random)
    assert share <= holes.mean() <= 1
    assert set(np.unique(holes)) <= {0, 1}
    assert draw is stroke or holes.mean() - share <= (1 / 3 + 1 / size) ** 2


@pytest.mark.parametrize("method", ["blocks", "strokes"])
def test_holes_reach_everywhere(method: Literal["blocks", "strokes"]) -> None:
    seen = sum(
        holes_of(Inpaint(size=32, method=method, share=0.2, mask_channel=True, seed=seed), photo(32)).astype(int)
        for seed in range(60)
    )
    assert seen.min() > 0
    assert seen.max() < 60


@pytest.mark.parametrize("method", ["blocks", "strokes"])
def test_holes_follow_from_the_seed_and_the_photograph(method: Literal["blocks", "strokes"]) -> None:
    def holes(seed: int, picture: Pixels) -> bytes:
        found: bytes = holes_of(Inpaint(size=64, method=method, mask_channel=True, seed=seed), picture).tobytes()
        return found

    first, second = photo(64), photo(64)[::-1]
    used = Inpaint(size=64, method=method, mask_channel=True, seed=1)
    used(second)  # what came before does not matter
    assert holes(1, first) == holes_of(used, first).tobytes()
    assert len({holes(1, first), holes(2, first), holes(1, second)}) == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_mean_is_that_of_what_is_left(dtype: type[np.generic]) -> None:
    picture = (photo() / 127.5 - 1).astype(dtype) if dtype == np.float32 else photo().astype(dtype)
    source, target = Inpaint(size=96, fill="mean")(picture)
    outside = np.ones((96, 96), bool)
    outside[24:72, 24:72] = False
    expected = np.array([target[..., channel][outside].astype(float).mean() for channel in range(3)])
    np.testing.assert_allclose(source[40, 40], expected, atol=1e-5 if dtype == np.float32 else 0.5)
    assert source.dtype == dtype


def test_noise_fills_the_whole_range() -> None:
    inside = Inpaint(size=96, fill="noise")(photo()).source[24:72, 24:72]
    assert inside.min() < 5
    assert inside.max() > 250
    assert abs(inside.mean() - 127.5) < 3


@pytest.mark.parametrize(("dtype", "ends"), [(np.uint8, (0, 255)), (np.uint16, (0, 65535)), (np.float32, (-1, 1))])
def test_the_mask_is_one_more_channel_of_the_same_depth(dtype: type[np.generic], ends: tuple[float, float]) -> None:
    source, target = Inpaint(size=32, mask_channel=True)(np.zeros((32, 32, 3), dtype))
    assert source.shape == (32, 32, 4)
    assert source.dtype == target.dtype == dtype
    assert (source[0, 0, 3], source[16, 16, 3]) == ends


def test_any_channels_are_taken() -> None:
    source, _ = Inpaint(size=16, method="strokes")(np.zeros((20, 30, 5), np.uint16))
    assert source.shape == (16, 16, 5)
    assert set(np.unique(source)) == {0, 65535}


def test_a_fill_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="fill 'medium' is no colour"):
        Inpaint(fill="medium")
