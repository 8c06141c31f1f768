import sys

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from i2i.errors import UsageError
from i2i_metrics import FLIP

pytest.importorskip("flip_evaluator", reason="the extra `metrics` is not installed")


def solid(*colour: float) -> Tensor:
    """Return an image of one colour, given in [0, 1]."""
    return torch.tensor(colour).view(1, -1, 1, 1).expand(1, -1, 12, 16) * 2 - 1


def distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """HyAB distance of colours after Hunt's adjustment, to the power 0.7 (Andersson et al. 2020, section 4.1)."""
    (l1, a1, b1), (l2, a2, b2) = rgb2lab(np.array([first, second], np.float64))
    return float((abs(l1 - l2) + np.hypot(l1 * a1 - l2 * a2, l1 * b1 - l2 * b2) / 100) ** 0.7)


def of_solid(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """FLIP where there are no features: the distance, mapped to [0, 1] as in its section 4.1."""
    most = distance((0, 1, 0), (0, 0, 1))
    knee, seen = 0.4 * most, distance(first, second)
    return 0.95 * seen / knee if seen < knee else 0.95 + 0.05 * (seen - knee) / (most - knee)


@pytest.mark.parametrize(
    "colours",
    [((0.5,) * 3, (0.55,) * 3), ((0.8, 0.3, 0.2), (0.7, 0.4, 0.2)), ((0, 0, 0), (1, 1, 1)), ((1, 0, 0), (0, 1, 1))],
)
def test_solid_colours_differ_as_the_paper_says(colours: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    first, second = colours
    assert FLIP()(solid(*first), solid(*second)).item() == pytest.approx(of_solid(first, second), abs=2e-3)


def test_pure_green_and_pure_blue_differ_most() -> None:
    assert FLIP()(solid(0, 1, 0), solid(0, 0, 1)).item() == pytest.approx(1)


def test_figure_is_that_of_the_authors_program_and_the_mean_of_its_map() -> None:
    from flip_evaluator import evaluate

    output, target = torch.rand(2, 1, 3, 20, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    arrays = [(image[0].permute(1, 2, 0).numpy() + 1) / 2 for image in (target, output)]
    seen, mean, _ = evaluate(*arrays, "LDR", applyMagma=False, parameters={"ppd": 30.0})
    metric = FLIP(pixels_per_degree=30)
    assert metric(output, target).item() == pytest.approx(mean)
    assert np.allclose(metric.map(output, target)[0], seen[..., 0], atol=1e-6)
    assert FLIP()(output, target).item() < metric(output, target).item()


def test_gray_is_three_equal_channels_and_a_region_is_its_pixels() -> None:
    output, target = torch.rand(2, 1, 1, 20, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    metric = FLIP()
    seen = metric.map(output, target)
    assert torch.equal(seen, metric.map(output.expand(1, 3, -1, -1), target.expand(1, 3, -1, -1)))
    mask = torch.zeros(1, 20, 24, dtype=torch.bool)
    mask[:, 4:9, 2:20] = True
    assert metric(output, target, mask=mask).item() == pytest.approx(seen[mask].mean().item())


def test_images_without_colours_are_refused() -> None:
    with pytest.raises(UsageError, match="RGB or gray images, got 4 channels"):
        FLIP()(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 8, 8))


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    with pytest.raises(UsageError, match=r"Install it: pip install 'i2i-toolkit\[metrics\]'"):
        FLIP()
