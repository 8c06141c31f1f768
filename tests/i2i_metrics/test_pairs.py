"""What holds of every metric over pairs of images that looks through no network."""

import math

import pytest
import torch
from torch import Tensor, nn

from i2i import testing
from i2i_metrics import FLIP, L1, MSE, PSNR, SSIM, EdgeF, MultiScaleSSIM, i2i_metrics

METRICS: dict[str, nn.Module] = {
    "l1": L1(),
    "mse": MSE(),
    "psnr": PSNR(),
    "ssim": SSIM(),
    "ms-ssim": MultiScaleSSIM(scales=2),
    "flip": FLIP(),
    "edge-f": EdgeF(),
}
IDEAL = {"l1": 0, "mse": 0, "psnr": 100, "ssim": 1, "ms-ssim": 1, "flip": 0, "edge-f": 1}
OF_NETWORKS = {"perceptual-lite0", "lpips"}
AT_ONE_SCALE = sorted(METRICS.keys() - {"ms-ssim"})
every = pytest.mark.parametrize("name", METRICS)


def pair(channels: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = nn.functional.interpolate(torch.rand(3, channels, 6, 7, generator=generator) * 2 - 1, (24, 28))
    return (target + 0.3 * torch.randn(target.shape, generator=generator)).clamp(-1, 1), target


def test_all_are_looked_at() -> None:
    of_sets = {name for name, cls in i2i_metrics().items() if hasattr(cls, "aggregate")}
    assert METRICS.keys() == IDEAL.keys() == i2i_metrics().keys() - of_sets - OF_NETWORKS


@every
@pytest.mark.parametrize("channels", [1, 3])
def test_equal_images_have_the_ideal_figure_and_others_a_worse_one(name: str, channels: int) -> None:
    output, target = pair(channels)
    metric = METRICS[name]
    assert metric(target, target).tolist() == pytest.approx([IDEAL[name]] * 3)
    assert ((metric(output, target) < metric(target, target)) == metric.higher_is_better).all()


@every
def test_output_and_target_may_change_places(name: str) -> None:
    output, target = pair()
    assert torch.allclose(METRICS[name](output, target), METRICS[name](target, output))


@every
def test_each_image_has_its_figure_whatever_else_is_in_the_batch(name: str) -> None:
    output, target = pair()
    alone = [METRICS[name](output[at : at + 1], target[at : at + 1]).item() for at in range(3)]
    assert METRICS[name](output, target).tolist() == pytest.approx(alone)


@pytest.mark.parametrize("name", AT_ONE_SCALE)
def test_a_region_of_all_pixels_is_the_image_and_one_of_none_has_no_figure(name: str) -> None:
    output, target = pair()
    mask = torch.ones(3, 24, 28, dtype=torch.bool)
    mask[2] = False
    figures = METRICS[name](output, target, mask=mask).tolist()
    assert figures[:2] == pytest.approx(METRICS[name](output, target)[:2].tolist())
    assert math.isnan(figures[2])


@pytest.mark.parametrize("name", AT_ONE_SCALE)
def test_map_is_0_where_images_are_equal_and_nowhere_below(name: str) -> None:
    output, target = pair()
    differs, equal = METRICS[name].map(output, target), METRICS[name].map(target, target)  # type: ignore[operator]
    assert differs.shape == equal.shape == (3, 24, 28)
    assert differs.min() >= 0
    assert differs.sum() > 0
    assert equal.abs().max() < 1e-5


@pytest.mark.parametrize("name", AT_ONE_SCALE)
def test_contract_is_kept(name: str) -> None:
    testing.check_metric(type(METRICS[name]))


def test_contract_of_ms_ssim_is_kept_with_as_many_scales_as_the_images_have_room_for() -> None:
    testing.check_metric(MultiScaleSSIM, {"scales": 3})
