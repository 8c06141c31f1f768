import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from i2i.errors import UsageError
from i2i_metrics import SSIM

AS_PUBLISHED = {"data_range": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def pair(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(channels)
    target = torch.from_numpy(rng.uniform(-1, 1, (2, channels, 32, 40))).float()
    return (target + 0.2 * torch.from_numpy(rng.normal(size=target.shape)).float()).clamp(-1, 1), target


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(channels: int) -> None:
    output, target = pair(channels)
    expected = [
        np.mean([structural_similarity(b.numpy(), a.numpy(), **AS_PUBLISHED) for a, b in zip(o, t, strict=True)])
        for o, t in zip(output, target, strict=True)
    ]
    assert SSIM()(output, target).tolist() == pytest.approx(expected, abs=1e-4)


def test_map_of_ssim_is_that_of_scikit_image_where_windows_are_whole() -> None:
    output, target = pair(1)
    _, expected = structural_similarity(target[0, 0].numpy(), output[0, 0].numpy(), full=True, **AS_PUBLISHED)
    found = SSIM().map(output, target)
    assert found.shape == (2, 32, 40)
    assert np.allclose(1 - found[0].numpy()[5:-5, 5:-5], expected[5:-5, 5:-5], atol=1e-4)
    assert torch.equal(found[0, :5, 7], found[0, 5, 7].expand(5))


def test_ssim_of_a_region_is_the_mean_of_the_windows_centred_in_it() -> None:
    output, target = pair(3)
    mask = torch.zeros(2, 32, 40, dtype=torch.bool)
    mask[:, :12, 20:] = True
    expected = 1 - SSIM().map(output, target)[:, 5:12, 20:35].mean((1, 2))
    assert SSIM()(output, target, mask=mask).tolist() == pytest.approx(expected.tolist())


def test_ssim_of_images_smaller_than_its_window_is_refused() -> None:
    with pytest.raises(UsageError, match="11x11 at least, got 8x16"):
        SSIM()(torch.zeros(1, 1, 8, 16), torch.zeros(1, 1, 8, 16))
