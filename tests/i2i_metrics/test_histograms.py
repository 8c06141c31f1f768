import math

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from i2i import testing
from i2i.errors import UsageError
from i2i_metrics import LabHistogram


def some(seed: int, channels: int = 3) -> Tensor:
    return torch.rand(3, channels, 16, 20, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def figures(output: Tensor, target: Tensor, mask: Tensor | None = None) -> dict[str, float]:
    metric = LabHistogram()
    return dict(metric.aggregate(metric(output, target, mask=mask)))


def by_numpy(output: Tensor, target: Tensor) -> dict[str, float]:
    """Histograms of scikit-image's Lab, with numpy's bins of 1 around whole numbers."""
    found = {}
    labs = [rgb2lab((image.permute(0, 2, 3, 1).numpy() + 1) / 2) for image in (output, target)]
    for at, name in enumerate("Lab"):
        p, q = (np.histogram(lab[..., at], np.arange(-110.5, 111))[0] / lab[..., at].size for lab in labs)
        found[name] = float(np.minimum(p, q).sum())
    return found


def test_figures_are_the_intersections_of_numpy_histograms_of_scikit_image_colours() -> None:
    output, target = some(0) * 0.6 + 0.1, some(1)
    assert figures(output, target) == pytest.approx(by_numpy(output, target), abs=2 / 960)  # a pixel on a bin's border


def test_corners_of_the_cube_have_their_bins() -> None:
    corners = torch.tensor([[r, g, b] for r in (-1, 1) for g in (-1, 1) for b in (-1, 1)]).float().view(1, 8, 3, 1)
    seen = LabHistogram()(corners.transpose(1, 2), corners.transpose(1, 2))[0, 0]
    lab = rgb2lab((corners[0, :, :, 0].numpy() + 1) / 2).round().astype(int)
    for channel in range(3):
        expected = torch.bincount(torch.from_numpy(lab[:, channel] + 110), minlength=221)
        assert torch.equal(seen[channel], expected)


def test_equal_sets_are_ideal_wherever_their_pixels_are_and_sets_may_change_places() -> None:
    output, target = some(0) * 0.5, some(1)
    assert figures(target.flip(0, 3), target) == pytest.approx({"L": 1, "a": 1, "b": 1})
    assert figures(output, target) == pytest.approx(figures(target, output))


def test_sets_are_compared_and_not_images() -> None:
    dark, light = torch.full((1, 3, 4, 4), -0.8), torch.full((1, 3, 4, 4), 0.8)
    assert figures(torch.cat([dark, light]), torch.cat([light, dark]))["L"] == 1
    assert figures(torch.cat([dark, dark]), torch.cat([light, dark]))["L"] == 0.5


def test_gray_images_have_luminance_alone_and_it_is_that_of_their_colour() -> None:
    output, target = some(0, 1), some(1, 1) * 0.5
    assert figures(output, target) == {"L": figures(output.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1))["L"]}


def test_gray_of_any_value_has_neither_a_nor_b() -> None:
    ramp = torch.linspace(-1, 1, 256).view(1, 1, 16, 16).expand(-1, 3, -1, -1)
    seen = LabHistogram()(ramp, ramp)[0, 0]
    assert seen[1, 110] == seen[2, 110] == 256


def test_a_region_is_its_pixels_all_of_them_are_the_image_and_none_are_no_figure() -> None:
    output, target = some(0), some(1)
    mask = torch.zeros(3, 16, 20, dtype=torch.bool)
    mask[:, 4:, :9] = True
    assert figures(output, target, mask) == figures(output[..., 4:, :9], target[..., 4:, :9])
    assert figures(output, target, torch.ones_like(mask)) == figures(output, target)
    assert all(math.isnan(figure) for figure in figures(output, target, torch.zeros_like(mask)).values())


def test_batches_do_not_matter() -> None:
    output, target = some(0), some(1)
    metric = LabHistogram()
    parts = [metric(output[at : at + 1], target[at : at + 1]) for at in range(3)]
    assert torch.equal(torch.cat(parts), metric(output, target))


def test_wider_bins_tell_less_apart() -> None:
    output, target = some(0) * 0.7, some(1)
    fine, coarse = (metric.aggregate(metric(output, target)) for metric in (LabHistogram(), LabHistogram(width=10)))
    assert all(fine[name] < coarse[name] for name in "Lab")


def test_images_without_colours_are_refused() -> None:
    with pytest.raises(UsageError, match="RGB or gray images, got 4 channels"):
        LabHistogram()(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 8, 8))


def test_contract_is_kept() -> None:
    testing.check_metric(LabHistogram)
