import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.filters import gaussian
from skimage.metrics import structural_similarity

from i2i.errors import UsageError
from i2i_metrics import SSIM, MultiScaleSSIM

Doubles = NDArray[np.float64]

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


def of_five_scales(x: Doubles, y: Doubles) -> float:
    """Equation 7 of Wang et al. 2003 in double precision, with the moments of scikit-image."""

    def mean(values: Doubles) -> Doubles:
        return np.asarray(gaussian(values, 1.5, truncate=3.5)[5:-5, 5:-5])

    similarity = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        covariance, variances = mean(x * y) - mean(x) * mean(y), mean(x**2 + y**2) - mean(x) ** 2 - mean(y) ** 2
        luminance = (2 * mean(x) * mean(y) + 0.02**2) / (mean(x) ** 2 + mean(y) ** 2 + 0.02**2)
        structure = (2 * covariance + 0.06**2) / (variances + 0.06**2)
        if weight == 0.1333:
            return float(similarity * (luminance * structure).mean() ** weight)
        similarity *= structure.mean() ** weight
        height, width = x.shape
        x, y = (v[: height // 2 * 2, : width // 2 * 2].reshape(height // 2, 2, -1, 2).mean((1, 3)) for v in (x, y))
    raise AssertionError


def test_ms_ssim_is_equation_7_of_its_paper() -> None:
    rng = np.random.default_rng(0)
    target = gaussian(rng.uniform(-1, 1, (3, 177, 190)), (0, 2, 2)) * 3
    output = target + 0.3 * rng.normal(size=target.shape)
    expected = np.mean([of_five_scales(x, y) for x, y in zip(output, target, strict=True)])
    pair = [torch.from_numpy(image)[None] for image in (output, target)]
    assert MultiScaleSSIM()(*pair).item() == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_of_one_scale_is_ssim_and_of_fewer_has_weights_that_sum_to_1() -> None:
    output, target = pair(3)
    assert MultiScaleSSIM(scales=1)(output, target).tolist() == pytest.approx(SSIM()(output, target).tolist())
    assert MultiScaleSSIM(scales=3).weights == pytest.approx([0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305])


@pytest.mark.parametrize(("size", "scales"), [(175, 4), (128, 4), (64, 3), (16, 1)])
def test_ms_ssim_of_too_small_images_is_refused_and_says_how_many_scales_fit(size: int, scales: int) -> None:
    small = torch.zeros(1, 1, 200, size)
    with pytest.raises(UsageError, match=f"176x176 at least, got 200x{size}. Set its option scales to {scales},"):
        MultiScaleSSIM()(small, small)
    assert MultiScaleSSIM(scales=scales)(small, small).item() == 1


def test_ms_ssim_of_images_smaller_than_a_window_can_only_be_left_out() -> None:
    with pytest.raises(UsageError, match="got 10x10"):
        MultiScaleSSIM()(torch.zeros(1, 1, 10, 10), torch.zeros(1, 1, 10, 10))


def test_structure_that_is_turned_around_is_no_better_than_none() -> None:
    target = pair(1)[1]
    assert MultiScaleSSIM(scales=2)(-target, target).tolist() == [0, 0]
