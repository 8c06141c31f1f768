import math

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from torch import Tensor

from i2i_metrics import L1, MSE, PSNR


def pair(channels: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(channels)
    target = torch.from_numpy(rng.uniform(-1, 1, (2, channels, 32, 40))).float()
    return (target + 0.2 * torch.from_numpy(rng.normal(size=target.shape)).float()).clamp(-1, 1), target


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_and_mse_equal_scikit_image(channels: int) -> None:
    output, target = pair(channels)
    images = [(t.numpy(), o.numpy()) for o, t in zip(output, target, strict=True)]
    decibels = [peak_signal_noise_ratio(*image, data_range=2) for image in images]
    assert PSNR()(output, target).tolist() == pytest.approx(decibels, rel=1e-5)
    assert MSE()(output, target).tolist() == pytest.approx([mean_squared_error(*image) for image in images])


def test_l1_is_the_mean_difference() -> None:
    target = torch.stack([torch.full((3, 4, 4), value) for value in (0.5, -1)])
    assert L1()(torch.zeros(2, 3, 4, 4), target).tolist() == [0.5, 1]


def test_psnr_of_a_region_is_of_its_mean_square() -> None:
    mask = torch.zeros(2, 32, 40, dtype=torch.bool)
    mask[0, 3:9, 30:] = True
    mask[1, ::2] = True
    output, target = pair(3)
    regions = [(t[:, m].numpy(), o[:, m].numpy()) for o, t, m in zip(output, target, mask, strict=True)]
    expected = [peak_signal_noise_ratio(*region, data_range=2) for region in regions]
    assert PSNR()(output, target, mask=mask).tolist() == pytest.approx(expected, rel=1e-5)


def test_equal_images_are_as_good_as_it_gets() -> None:
    _, target = pair(3)
    assert PSNR()(target, target).tolist() == [100, 100]
    assert MSE()(target, target).tolist() == [0, 0]
    assert L1()(target, target).tolist() == [0, 0]


@pytest.mark.parametrize("metric", [L1(), MSE(), PSNR()])
def test_an_image_without_pixels_of_the_region_has_no_figure(metric: L1 | MSE | PSNR) -> None:
    output, target = pair(1)
    mask = torch.zeros(2, 32, 40, dtype=torch.bool)
    mask[1, 0, 0] = True
    first, second = metric(output, target, mask=mask).tolist()
    assert math.isnan(first)
    assert math.isfinite(second)
