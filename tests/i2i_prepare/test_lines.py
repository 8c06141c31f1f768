import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
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


def scalar_orientation(edges: Map, radius: int = 4) -> NDArray[np.float64]:
    """The recipe's formula, pixel by pixel."""
    height, width = edges.shape
    mirrored = np.pad(edges.astype(float), radius, mode="symmetric")
    taps = range(-radius, radius + 1)
    smooth = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for dy in taps:
                for dx in taps:
                    weight = (radius + 1 - abs(dy)) * (radius + 1 - abs(dx)) / (radius + 1) ** 4
                    smooth[y, x] += weight * mirrored[y + radius + dy, x + radius + dx]

    def slope(field: NDArray[np.float64], y: int, x: int, axis: int) -> float:
        last: int = field.shape[axis] - 1
        at = (y, x)[axis]
        before, after = max(at - 1, 0), min(at + 1, last)
        start, end = ((before, x), (after, x)) if axis == 0 else ((y, before), (y, after))
        return (float(field[end]) - float(field[start])) / (after - before)

    dy_field, dx_field = (
        np.array([[slope(smooth, y, x, axis) for x in range(width)] for y in range(height)]) for axis in (0, 1)
    )
    angle = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            dyy, dxy, dxx = slope(dy_field, y, x, 0), slope(dy_field, y, x, 1), slope(dx_field, y, x, 1)
            sign = (-dxy > 0) - (-dxy < 0)
            angle[y, x] = math.atan(dyy * sign / (dxx + 1e-5)) % math.pi
    return angle


def scalar_suppress(edges: Map, across: Map, margin: float = 1.01, rim: int = 5) -> NDArray[np.float64]:
    """Non-maximum suppression as it is usually written: one pixel after the other."""
    height, width = edges.shape
    ridges = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            kept = True
            for step in (-1, 1):
                at_y = min(max(y + step * math.sin(across[y, x]), 0), height - 1.001)
                at_x = min(max(x + step * math.cos(across[y, x]), 0), width - 1.001)
                y0, x0 = int(at_y), int(at_x)
                fy, fx = at_y - y0, at_x - x0
                beside = (
                    edges[y0, x0] * (1 - fy) * (1 - fx)
                    + edges[y0, x0 + 1] * (1 - fy) * fx
                    + edges[y0 + 1, x0] * fy * (1 - fx)
                    + edges[y0 + 1, x0 + 1] * fy * fx
                )
                kept = kept and not edges[y, x] * margin < beside
            if kept:
                from_y, from_x = min(y, height - 1 - y), min(x, width - 1 - x)
                ridges[y, x] = edges[y, x] * min(from_y / rim, 1) * min(from_x / rim, 1)
    return ridges


def test_orientation_equals_the_formula_pixel_by_pixel() -> None:
    edges = photo_map()[20:52, 30:70]
    expected = scalar_orientation(edges)
    difference = np.abs(orientation(edges) - expected)
    difference = np.minimum(difference, np.pi - difference)  # 0 and pi are one direction
    # single precision cannot tell the sign of a mixed derivative that is nothing but rounding
    assert np.quantile(difference, 0.99) < 1e-3


@pytest.mark.parametrize("degrees", [0.5, 20, 45, 70, 89.5, 110, 135, 160])
def test_orientation_is_across_the_line(degrees: float) -> None:
    found = orientation(ridge(math.radians(degrees)))[15:26, 15:26][ridge(math.radians(degrees))[15:26, 15:26] > 0.9]
    off = np.abs(np.degrees(found) - degrees)
    assert np.minimum(off, 180 - off).max() < 15


def test_suppression_equals_a_scalar_loop() -> None:
    edges = photo_map()[:60, :70]
    across = orientation(edges)
    ridges = suppress(edges, across)
    assert ridges.dtype == np.float32
    # a neighbour within rounding of the margin may fall on either side
    assert (np.abs(ridges - scalar_suppress(edges, across)) > 1e-6).mean() < 1e-3


def test_suppression_leaves_the_crest_of_a_ridge() -> None:
    vertical = ridge(0)
    ridges = suppress(vertical, np.zeros_like(vertical))
    assert (np.nonzero(ridges.any(axis=0))[0] == [20]).all()
    np.testing.assert_allclose(ridges[5:-5, 20], 1)


def test_edges_fade_at_the_rim() -> None:
    ridges = suppress(np.ones((20, 20), np.float32), np.zeros((20, 20), np.float32))
    np.testing.assert_allclose(ridges[10, :6], [0, 0.2, 0.4, 0.6, 0.8, 1], rtol=1e-6)
    np.testing.assert_array_equal(ridges, ridges[::-1, ::-1].T)


@settings(deadline=None)
@given(masks)
def test_thinning_equals_scikit_image_on_noise(mask: Lines) -> None:
    np.testing.assert_array_equal(thin(mask), morphology.thin(mask))


@pytest.mark.parametrize("density", [0.2, 0.5, 0.8, 0.95])
def test_thinning_equals_scikit_image_on_larger_noise(density: float) -> None:
    mask = np.random.default_rng(0).random((150, 170)) < density
    np.testing.assert_array_equal(thin(mask), morphology.thin(mask))


@pytest.mark.parametrize("mask", [data.horse() < 1, data.page() < 128, data.coins() > 107, photo_map() > 0.2])
def test_thinning_equals_scikit_image_on_pictures(mask: Lines) -> None:
    np.testing.assert_array_equal(thin(mask), morphology.thin(mask))


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
