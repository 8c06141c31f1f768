"""Each step from an edge map to lines, against independent libraries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data, filters, measure, morphology

from i2i_prepare.lines import Lines, Map, draw, drop_small, orientation, resize_map, suppress, thin, trace

masks = arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def ridge(angle: float, side: int = 41, strength: float = 1.0) -> Map:
    """A soft line through the centre; ``angle`` is the direction across it."""
    y, x = np.indices((side, side)) - side // 2
    distance = x * math.cos(angle) + y * math.sin(angle)
    return (strength * np.exp(-(distance**2) / 8)).astype(np.float32)


def photo_map() -> Map:
    """Soft edges of a photograph: its gradient."""
    edges: Map = np.clip(filters.sobel(data.camera()[::4, ::3]) * 4, 0, 1).astype(np.float32)
    return edges


def orientation_in_doubles(edges: Map, radius: int = 4) -> NDArray[np.float64]:
    """The formula of the toolbox, smoothed by scipy."""
    triangle = np.minimum(np.arange(1, 2 * radius + 2), np.arange(2 * radius + 1, 0, -1)) / (radius + 1) ** 2
    smooth = ndimage.convolve1d(ndimage.convolve1d(edges.astype(float), triangle, 0), triangle, 1)  # mirrored
    dy, dx = np.gradient(smooth)
    (dyy, dxy), dxx = np.gradient(dy), np.gradient(dx, axis=1)
    angle: NDArray[np.float64] = np.arctan(dyy * np.sign(-dxy) / (dxx + 1e-5)) % np.pi
    return angle


def suppress_by_scipy(edges: Map, across: Map, margin: float = 1.01, rim: int = 5) -> NDArray[np.float64]:
    """Non-maximum suppression, its neighbours interpolated by scipy."""
    y, x = np.indices(edges.shape)
    beside = [
        ndimage.map_coordinates(edges, [y + step * np.sin(across), x + step * np.cos(across)], order=1, mode="nearest")
        for step in (-1, 1)
    ]
    from_rim = [np.minimum(at, side - 1 - at) for at, side in ((y, edges.shape[0]), (x, edges.shape[1]))]
    fade = np.minimum(from_rim[0] / rim, 1) * np.minimum(from_rim[1] / rim, 1)
    ridges: NDArray[np.float64] = np.where(edges * margin < np.maximum(*beside), 0, edges * fade)
    return ridges


def test_orientation_equals_the_formula() -> None:
    edges = photo_map()[20:52, 30:70]
    expected = orientation_in_doubles(edges)
    difference = np.abs(orientation(edges) - expected)
    difference = np.minimum(difference, np.pi - difference)  # 0 and pi are one direction
    # single precision cannot tell the sign of a mixed derivative that is nothing but rounding
    assert np.quantile(difference, 0.99) < 1e-3


@pytest.mark.parametrize("degrees", [0.5, 20, 45, 70, 89.5, 110, 135, 160])
def test_orientation_is_across_the_line(degrees: float) -> None:
    found = orientation(ridge(math.radians(degrees)))[15:26, 15:26][ridge(math.radians(degrees))[15:26, 15:26] > 0.9]
    off = np.abs(np.degrees(found) - degrees)
    assert np.minimum(off, 180 - off).max() < 15


def test_suppression_equals_that_by_scipy() -> None:
    edges = photo_map()[:60, :70]
    across = orientation(edges)
    ridges = suppress(edges, across)
    assert ridges.dtype == np.float32
    # a neighbour within rounding of the margin may fall on either side
    assert (np.abs(ridges - suppress_by_scipy(edges, across)) > 1e-6).mean() < 1e-3


def test_suppression_leaves_the_crest_of_a_ridge() -> None:
    vertical = ridge(0)
    ridges = suppress(vertical, np.zeros_like(vertical))
    assert (np.nonzero(ridges.any(axis=0))[0] == [20]).all()
    np.testing.assert_allclose(ridges[5:-5, 20], 1)


def test_edges_fade_at_the_rim() -> None:
    ridges = suppress(np.ones((20, 20), np.float32), np.zeros((20, 20), np.float32))
    np.testing.assert_allclose(ridges[10, :6], [0, 0.2, 0.4, 0.6, 0.8, 1], rtol=1e-6)
    np.testing.assert_array_equal(ridges, ridges[::-1, ::-1].T)


@settings(max_examples=50)
@given(masks)
def test_thinning_equals_scikit_image_on_noise(mask: Lines) -> None:
    np.testing.assert_array_equal(thin(mask), morphology.thin(mask))


@pytest.mark.parametrize("mask", [data.page() < 128, data.coins()[:150, :170] > 107, photo_map() > 0.2])
def test_thinning_equals_scikit_image_on_pictures(mask: Lines) -> None:
    np.testing.assert_array_equal(thin(mask), morphology.thin(mask))


@settings(max_examples=40)
@given(masks, st.integers(1, 12))
def test_components_stay_whole_or_vanish_by_their_area(mask: Lines, smallest: int) -> None:
    kept = drop_small(mask, smallest)
    labels = measure.label(mask, connectivity=2)
    for region in measure.regionprops(labels):
        inside = kept[labels == region.label]
        assert (inside == (region.area >= smallest)).all()
    assert not kept[~mask].any()


def test_a_diagonal_is_one_component() -> None:
    np.testing.assert_array_equal(drop_small(np.eye(5, dtype=bool), 5), np.eye(5, dtype=bool))
    assert not drop_small(np.eye(4, dtype=bool), 5).any()


def keys_matrix(old: int, new: int) -> NDArray[np.float64]:
    """Keys 1981 with a = -0.5, widened by the scale where it shrinks, as MATLAB documents its ``imresize``."""
    scale = max(old / new, 1)
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    s = np.abs(centres[:, None] - np.arange(old)) / scale
    near, far = 1.5 * s**3 - 2.5 * s**2 + 1, -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2
    weights: NDArray[np.float64] = np.where(s <= 1, near, np.where(s <= 2, far, 0))
    weights /= weights.sum(1, keepdims=True)
    return weights


@pytest.mark.parametrize(("height", "width"), [(50, 90), (171, 128), (128, 171), (31, 300)])
def test_the_map_is_resized_by_antialiased_keys_cubic(height: int, width: int) -> None:
    edges = photo_map()
    expected = keys_matrix(edges.shape[0], height) @ edges @ keys_matrix(edges.shape[1], width).T
    np.testing.assert_allclose(resize_map(edges, height, width), expected, atol=2e-6)


@pytest.mark.parametrize("degrees", [10, 45, 80, 120])
def test_a_soft_line_is_traced_to_one_pixel(degrees: float) -> None:
    lines = trace(ridge(math.radians(degrees)), 41, 41)
    y, x = np.nonzero(lines)
    distance = (x - 20) * math.cos(math.radians(degrees)) + (y - 20) * math.sin(math.radians(degrees))
    assert np.abs(distance).max() <= 1
    assert 25 <= lines.sum() <= 45  # about once across the image, less the rim that fades


def test_an_edge_below_the_threshold_is_not_drawn() -> None:
    weak = ridge(0.5, strength=0.3)
    assert trace(weak, 41, 41, threshold=0.2).any()
    assert not trace(weak, 41, 41, threshold=0.35).any()


def test_lines_below_the_smallest_are_dropped() -> None:
    speck = np.exp(-((np.indices((41, 41)) - 20) ** 2).sum(0) / 4).astype(np.float32)
    pixels = int(trace(speck, 41, 41, smallest=1).sum())
    assert trace(speck, 41, 41, smallest=pixels).sum() == pixels > 1
    assert not trace(speck, 41, 41, smallest=pixels + 1).any()


def test_nothing_becomes_blank_paper_even_at_threshold_zero() -> None:
    assert not trace(np.zeros((30, 30), np.float32), 30, 30, threshold=0, smallest=1).any()


def test_lines_are_drawn_black_on_white() -> None:
    picture = draw(np.array([[True, False]]))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, [[[0], [255]]])
