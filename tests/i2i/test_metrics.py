import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from i2i.errors import UsageError
from i2i.evaluation import L1, PSNR, SSIM


def pair(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(channels)
    target = torch.from_numpy(rng.uniform(-1, 1, (2, channels, 32, 40))).float()
    return (target + 0.2 * torch.from_numpy(rng.normal(size=target.shape)).float()).clamp(-1, 1), target


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_equals_scikit_image(channels: int) -> None:
    output, target = pair(channels)
    expected = [
        peak_signal_noise_ratio(t.numpy(), o.numpy(), data_range=2) for o, t in zip(output, target, strict=True)
    ]
    assert PSNR()(output, target).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(channels: int) -> None:
    as_published = {"data_range": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    output, target = pair(channels)
    expected = [
        np.mean([structural_similarity(b.numpy(), a.numpy(), **as_published) for a, b in zip(o, t, strict=True)])
        for o, t in zip(output, target, strict=True)
    ]
    assert SSIM()(output, target).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_images_smaller_than_its_window_is_refused() -> None:
    with pytest.raises(UsageError, match="11x11 at least, got 8x16"):
        SSIM()(torch.zeros(1, 1, 8, 16), torch.zeros(1, 1, 8, 16))


def test_l1_is_the_mean_difference() -> None:
    assert L1()(torch.zeros(2, 3, 4, 4), torch.stack([torch.full((3, 4, 4), v) for v in (0.5, -1)])).tolist() == [
        0.5,
        1,
    ]


def test_equal_images_are_as_good_as_it_gets() -> None:
    _, target = pair(3)
    assert PSNR()(target, target).tolist() == [100, 100]
    assert SSIM()(target, target).tolist() == pytest.approx([1, 1])
    assert L1()(target, target).tolist() == [0, 0]
