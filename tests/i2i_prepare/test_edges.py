"""Edges are what each method says, and go with the photograph."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data, filters

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images import geometry
from i2i.options import build
from i2i.pairs import Preparer
from i2i_prepare.edges import PHI, Edges, K, xdog
from i2i_prepare.hed import edge_map
from i2i_prepare.hed_weights import load_hed
from i2i_prepare.lines import draw, drop_small, trace

OWNER = "preparer 'edges'"


@pytest.fixture(scope="module")
def photo() -> NDArray[Any]:
    picture: NDArray[Any] = data.chelsea()
    return picture


def canny(**options: Any) -> Edges:
    return Edges(method="canny", **options)


def ink(source: NDArray[Any]) -> float:
    return float((source == 0).mean())


@pytest.mark.parametrize("method", ["hed", "canny", "xdog"])
def test_a_pair_is_black_lines_on_white_and_the_photograph(photo: NDArray[Any], method: str) -> None:
    preparer = build(Edges, options={"method": method, "size": 128, "border": 16}, owner=OWNER)
    assert isinstance(preparer, Preparer)
    source, target = preparer(photo)
    assert source.shape == (128, 128, 1)
    assert source.dtype == np.uint8
    assert set(np.unique(source)) == {0, 255}
    assert 0.02 < ink(source) < 0.3
    np.testing.assert_array_equal(target, geometry.fit(photo, 128, "crop"))


def test_hed_is_the_network_then_the_post_processing(photo: NDArray[Any]) -> None:
    source, target = Edges(size=96, border=32, threshold=40, smallest=9)(photo)
    probability = edge_map(load_hed(), target, border=32)
    np.testing.assert_array_equal(source, draw(trace(probability, 96, 96, threshold=40 / 255, smallest=9)))


def test_hed_in_bf16_draws_almost_the_same_lines(photo: NDArray[Any]) -> None:
    wide, narrow = (Edges(size=96, border=16, precision=each)(photo)[0] == 0 for each in ("float32", "bf16"))
    assert not np.array_equal(wide, narrow)
    kernel = np.ones((3, 3), np.uint8)
    near = (
        cv2.dilate(wide.astype(np.uint8), kernel)[narrow[..., 0]],
        cv2.dilate(narrow.astype(np.uint8), kernel)[wide[..., 0]],
    )
    assert min(each.mean() for each in near) > 0.95


def test_hed_can_look_at_more_than_it_draws(photo: NDArray[Any]) -> None:
    source, target = Edges(size=64, detect_size=128, border=16)(photo)
    probability = edge_map(load_hed(), geometry.fit(photo, 128, "crop"), border=16)
    np.testing.assert_array_equal(source, draw(trace(probability, 64, 64)))
    np.testing.assert_array_equal(target, geometry.fit(photo, 64, "crop"))


def test_canny_is_that_of_opencv_without_specks(photo: NDArray[Any]) -> None:
    source, target = canny(size=100, canny_low=80, canny_high=160, smallest=7)(photo)
    np.testing.assert_array_equal(source, draw(drop_small(cv2.Canny(target, 80, 160) > 0, 7)))


def test_xdog_is_ink_above_the_threshold_without_specks(photo: NDArray[Any]) -> None:
    source, target = Edges(size=100, method="xdog", threshold=60, smallest=9, xdog_sigma=1.3, xdog_level=50)(photo)
    luma = np.asarray(cv2.cvtColor(target.astype(np.float32) / 255, cv2.COLOR_RGB2GRAY), np.float32)
    lines = xdog(luma, sigma=1.3, sharpness=40, level=50 / 255) >= 60 / 255
    np.testing.assert_array_equal(source, draw(drop_small(lines, 9)))


def test_other_weights_are_used(photo: NDArray[Any], tmp_path: Path) -> None:
    import torch

    network = load_hed()
    weights = network.state_dict() | {"fuse.bias": torch.tensor([-100.0])}
    torch.save(weights, tmp_path / "blind.pth")
    preparer = build(Edges, options={"size": 32, "border": 0, "weights": str(tmp_path / "blind.pth")}, owner=OWNER)
    assert ink(preparer(photo).source) == 0


@pytest.mark.parametrize("method", ["hed", "canny", "xdog"])
def test_the_rim_of_a_padded_photograph_is_no_line(method: str) -> None:
    dark = np.full((60, 120, 3), 40, np.uint8)
    source, target = build(Edges, options={"method": method, "size": 96, "fit": "pad", "border": 16}, owner=OWNER)(dark)
    assert (target[:24] == 255).all()
    assert (target[24:72] == 40).all()
    assert ink(source) == 0


@pytest.mark.parametrize("method", ["hed", "canny", "xdog"])
def test_gray_and_deep_photographs_have_the_edges_of_their_8_bit_rgb(photo: NDArray[Any], method: str) -> None:
    preparer = build(Edges, options={"method": method, "size": 64, "border": 0}, owner=OWNER)
    gray = geometry.fit(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 64, "crop")
    expected = preparer(np.repeat(gray, 3, axis=2)).source
    shades: list[NDArray[Any]] = [gray, gray.astype(np.uint16) * 257, (gray / 127.5 - 1).astype(np.float32)]
    for shade in shades:
        source, target = preparer(shade)
        np.testing.assert_array_equal(target, shade)
        assert target.dtype == shade.dtype
        assert (source != expected).mean() < 0.002  # floats round


@pytest.mark.parametrize("channels", [2, 4])
def test_other_than_gray_and_rgb_is_refused(channels: int) -> None:
    with pytest.raises(DataError, match=f"not in {channels} channels"):
        canny(size=32)(np.zeros((40, 40, channels), np.uint8))


def test_a_panorama_too_thin_to_pad_is_refused() -> None:
    with pytest.raises(DataError, match="12x4000 is too thin"):
        canny(fit="pad")(np.zeros((12, 4000, 3), np.uint8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "'size': input should be greater than or equal to 16"),
        ({"fit": "squeeze"}, "'fit': input should be 'crop', 'stretch' or 'pad'"),
        ({"border": 35}, "'border': input should be a multiple of 16"),
        ({"threshold": 300}, "'threshold': input should be less than or equal to 255"),
        ({"method": "canny", "detect_size": 512}, "options of the method 'hed'"),
        ({"method": "canny", "weights": "hed.pth"}, "options of the method 'hed'"),
        ({"method": "xdog", "weights": "hed.pth"}, "not of 'xdog'"),
        ({"method": "canny", "canny_low": 300}, r"canny_low \(300\) is above canny_high \(200\)"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Edges, options=options, owner=OWNER)


def test_missing_weights_are_named() -> None:
    with pytest.raises(MissingInputError, match=r"nowhere\.pth"):
        Edges(weights=Path("nowhere.pth"))


def test_only_hed_needs_torch() -> None:
    program = (
        "import sys; from i2i_prepare.edges import Edges; Edges(method='canny'); Edges(method='xdog'); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_ink_is_the_formula_of_the_paper() -> None:
    luma = (data.camera()[100:300, 150:350] / 255).astype(np.float32)
    fine, coarse = (filters.gaussian(luma, s, mode="mirror", truncate=5) for s in (1.2, K * 1.2))
    sharpened = (1 + 15) * fine - 15 * coarse
    drawing = np.where(sharpened >= 0.3, 1, 1 + np.tanh(PHI * (sharpened - 0.3)))
    found = 1 - xdog(luma, sigma=1.2, sharpness=15, level=0.3)
    # where the image ends one reflects about the edge, the other about the last pixel
    np.testing.assert_allclose(found[12:-12, 12:-12], drawing[12:-12, 12:-12], atol=0.02)


@pytest.mark.parametrize(("tone", "ink"), [(0.5, 0), (0.3, 0), (0.2, np.tanh(PHI * 0.1)), (0, np.tanh(PHI * 0.3))])
def test_a_plain_tone_takes_ink_below_the_level_only(tone: float, ink: float) -> None:
    plain = np.full((20, 30), tone, np.float32)
    np.testing.assert_allclose(xdog(plain, sigma=1, sharpness=40, level=0.3), ink, atol=1e-4)


def test_ink_is_on_the_dark_side_of_a_step() -> None:
    step = np.full((20, 40), 0.4, np.float32)
    step[:, 20:] = 0.6
    ink = xdog(step, sigma=1, sharpness=40, level=0.1)[10]
    assert ink[18:20].min() > 0.5
    assert ink[20:].max() == 0
    assert ink[:12].max() == 0
