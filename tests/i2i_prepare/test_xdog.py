"""The extended difference of Gaussians, against the formulas of the paper."""

import numpy as np
import pytest
from skimage import data, filters

from i2i_prepare.edges import PHI, K, xdog


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


def test_ink_lies_between_none_and_full() -> None:
    noise = np.random.default_rng(0).random((50, 50), np.float32)
    ink = xdog(noise, sigma=0.5, sharpness=100, level=0.5)
    assert ink.min() >= 0
    assert ink.max() <= 1
