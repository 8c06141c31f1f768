"""Losses of images against scikit-image, torch's own and values worked by hand."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_losses import L1, L2, SSIM, Charbonnier, TotalVariation


def images(seed: int, height: int = 24, width: int = 32) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_pixel_losses_are_means_over_every_value() -> None:
    output, target = torch.tensor([[[[1.0, -1.0]]], [[[0.5, 0.0]]]]), torch.zeros(2, 1, 1, 2)
    assert L1()(output, target).item() == pytest.approx((1 + 1 + 0.5) / 4)
    assert L2()(output, target).item() == pytest.approx((1 + 1 + 0.25) / 4)
    charbonnier = (2 * math.hypot(1, 0.75) + math.hypot(0.5, 0.75) + 0.75) / 4
    assert Charbonnier(epsilon=0.75)(output, target).item() == pytest.approx(charbonnier)


def test_charbonnier_is_l1_far_away_and_flat_at_the_bottom() -> None:
    output, target = images(0).requires_grad_(), images(1)
    torch.testing.assert_close(Charbonnier()(output, target), L1()(output, target), atol=1e-5, rtol=0)
    (slope,) = torch.autograd.grad(Charbonnier()(output, output.detach()), output)
    assert not slope.any()


def test_ssim_is_one_less_scikit_images() -> None:
    output, target = (0.7 * images(0) + 0.3 * images(1)), images(0)
    as_published = {"data_range": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    channels = zip(output.flatten(0, 1).numpy(), target.flatten(0, 1).numpy(), strict=True)
    expected = 1 - np.mean([structural_similarity(b, a, **as_published) for a, b in channels])
    assert SSIM()(output, target).item() == pytest.approx(expected, abs=1e-4)
    assert SSIM()(target, target).item() == pytest.approx(0, abs=1e-5)


def test_ssim_descends_to_equal_images() -> None:
    output, target = images(0).requires_grad_(), images(1)
    loss = SSIM()(output, target)
    (slope,) = torch.autograd.grad(loss, output)
    assert SSIM()((output - slope / slope.abs().max()).detach(), target) < loss


def test_total_variation_is_a_mean_of_steps_across_and_down() -> None:
    image = torch.tensor([[[[0.0, 1.0, -1.0], [0.5, 0.5, 0.5]]]])
    across, down = (1 + 2 + 0 + 0) / 4, (0.5 + 0.5 + 1.5) / 3
    assert TotalVariation()(image, image).item() == pytest.approx(across + down)
    assert TotalVariation()(torch.full((1, 1, 4, 4), 0.3), image).item() == 0


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match="11x11 at least, got 8x16"):
        SSIM()(torch.zeros(1, 1, 8, 16), torch.zeros(1, 1, 8, 16))
    with pytest.raises(UsageError, match="2x2 at least, got 1x16"):
        TotalVariation()(torch.zeros(1, 1, 1, 16), torch.zeros(1, 1, 1, 16))


@pytest.mark.parametrize("cls", [L1, L2, SSIM, Charbonnier, TotalVariation])
def test_step_can_be_rehearsed_without_values(cls: type[nn.Module]) -> None:
    output, target = (torch.zeros(1, 3, 16, 16, device="meta") for _ in range(2))
    assert cls().to("meta")(output.requires_grad_(), target).shape == ()
