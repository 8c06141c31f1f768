"""KID, MIND and FID against their formulas in numpy, and against values by hand."""

import math
from collections.abc import Callable

import lite0
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from i2i.errors import UsageError
from i2i_metrics import FIDInception, FIDLite0, KIDInception, KIDLite0, MINDInception, MINDLite0, sets
from i2i_metrics.sets import fid, kid, mind

Distance = Callable[[Tensor, Tensor], float]


def drawn(count: int, size: int, seed: int = 0) -> Tensor:
    return torch.randn(count, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_kid_is_the_unbiased_estimate_of_the_squared_mmd(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = drawn(5, 3), drawn(7, 3, seed=1) + 0.3

    def kernel(x: Tensor, y: Tensor) -> float:
        return (float(np.dot(x.numpy(), y.numpy())) / 3 + 1) ** 3

    within = sum(kernel(a[i], a[j]) for i in range(5) for j in range(5) if i != j) / 20
    within += sum(kernel(b[i], b[j]) for i in range(7) for j in range(7) if i != j) / 42
    between = sum(kernel(x, y) for x in a for y in b) / 35
    assert kid(a, b) == pytest.approx(1000 * (within - 2 * between))
    monkeypatch.setattr(sets, "BLOCK", 2)  # rows that are computed at once
    assert kid(a, b) == pytest.approx(1000 * (within - 2 * between))


def test_kid_of_one_distribution_is_0_on_average() -> None:
    figures = np.array([kid(drawn(12, 4, seed), drawn(8, 4, seed + 1000)) for seed in range(400)])
    error = figures.std() / len(figures) ** 0.5
    assert abs(figures.mean()) < 3 * error
    shifted = np.mean([kid(drawn(12, 4, seed) + 0.7, drawn(8, 4, seed + 1000)) for seed in range(50)])
    assert shifted > 10 * error


def test_kid_of_items_that_belong_together_is_the_u_statistic() -> None:
    """Gretton et al. 2012, equation 4: the mean of h over ordered pairs of different items, each of both sets."""
    a, b = drawn(6, 3).numpy(), drawn(6, 3, seed=1).numpy()

    def k(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float((x @ y / 3 + 1) ** 3)

    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    h = [k(a[i], a[j]) + k(b[i], b[j]) - k(a[i], b[j]) - k(a[j], b[i]) for i, j in pairs]
    assert kid(torch.from_numpy(a), torch.from_numpy(b), aligned=True) == pytest.approx(1000 * np.mean(h))


def test_kid_of_what_was_made_beside_its_own_truth_does_not_depend_on_the_count() -> None:
    """Features that are shifted a little are as far from their own as from others, on average."""

    def figures(count: int, draws: int, apart: int = 0) -> tuple[float, float]:
        reals = [drawn(count, 4, seed) for seed in range(draws + apart)]
        found = [kid(reals[k] + 0.3, reals[k + apart], aligned=True) for k in range(draws)]
        return float(np.mean(found)), float(np.std(found)) / draws**0.5

    (few, few_error), (many, many_error) = figures(6, 600), figures(40, 90)
    others, others_error = figures(40, 200, apart=1)
    assert abs(few - many) < 3 * np.hypot(few_error, many_error)
    assert abs(many - others) < 3 * np.hypot(many_error, others_error)


def test_fid_is_the_distance_of_gaussians_with_the_sets_moments() -> None:
    a, b = (drawn(40, 6) @ drawn(6, 6, seed=2)).numpy(), drawn(30, 6, seed=1).numpy() + 0.5
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).astype(complex)).real.sum()
    apart = a.mean(0) - b.mean(0)
    expected = apart @ apart + np.trace(cov_a) + np.trace(cov_b) - 2 * root
    assert fid(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(4, 5), (4, 30)])
def test_fid_is_right_of_fewer_items_than_features_have(n: int, m: int) -> None:
    a, b = drawn(n, 12).numpy(), drawn(m, 12, seed=1).numpy() * 2
    values, vectors = np.linalg.eigh(np.cov(a, rowvar=False))
    half = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    inner = np.linalg.eigvalsh(half @ np.cov(b, rowvar=False) @ half).clip(0)
    apart = a.mean(0) - b.mean(0)
    spread = np.cov(a, rowvar=False).trace() + np.cov(b, rowvar=False).trace() - 2 * np.sqrt(inner).sum()
    assert fid(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(apart @ apart + spread, rel=1e-6)


@pytest.mark.parametrize("count", [5, 50])
def test_fid_by_hand_of_what_was_shifted_and_stretched(count: int) -> None:
    a, shift = drawn(count, 8), drawn(1, 8, seed=1)
    assert fid(a, a) == pytest.approx(0, abs=1e-9)
    assert fid(a + shift, a) == pytest.approx(float(shift.square().sum()))
    centred = a - a.mean(0)
    assert fid(3 * centred, centred) == pytest.approx(4 * float(a.var(0).sum()))  # (3 - 1)² of each variance


def test_mind_by_hand_of_normal_quantiles() -> None:
    z = torch.special.ndtri((torch.arange(1000, dtype=torch.float64) + 0.5) / 1000)[:, None]
    variance = float(z.square().mean())  # nearly 1
    assert mind(2 + 3 * z, z) == pytest.approx(3 * (2**2 + (3 - 1) ** 2 * variance))
    assert variance == pytest.approx(1, abs=0.01)


def test_mind_of_gaussians_in_several_dimensions_is_that_of_their_projections() -> None:
    a, b = drawn(1000, 5), 2 * drawn(1000, 5, seed=1) + torch.tensor([2.0, 0, 1, 0, 0])
    assert mind(a, b) == pytest.approx(3 * (5 + 5 * (2 - 1) ** 2), rel=0.1)  # 3 (‖shift‖² + D (σa - σb)²)


def test_mind_of_sizes_that_differ_compares_quantiles() -> None:
    a, b = torch.tensor([[0.0], [6.0]]), torch.tensor([[9.0], [0.0], [3.0]])
    assert mind(a, b) == pytest.approx(3 * 9 * 2 / 3)  # 0 from 0 for a third; then 3 apart
    several, more = drawn(6, 4), drawn(9, 4, seed=1)
    whole = mind(several.repeat(3, 1), more.repeat(2, 1))  # 18 each
    assert mind(several, more) == pytest.approx(whole)


@pytest.mark.parametrize("distance", [kid, mind, fid])
def test_distances_are_symmetric_and_know_no_order(distance: Distance) -> None:
    a, b = drawn(9, 4), drawn(7, 4, seed=1) + 1
    assert distance(a, b) == pytest.approx(distance(b, a))
    assert distance(a.flip(0), b[[3, 1, 0, 2, 6, 5, 4]]) == pytest.approx(distance(a, b))


@pytest.mark.parametrize("distance", [kid, fid])
def test_kid_and_fid_know_no_direction(distance: Distance) -> None:
    a, b = drawn(9, 4), drawn(7, 4, seed=1) + 1
    turned = torch.linalg.qr(drawn(4, 4, seed=2)).Q
    assert distance(a @ turned, b @ turned) == pytest.approx(distance(a, b))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    save_file(lite0.drawn().state_dict(), file)
    return str(file)


def test_metric_compares_what_is_seen_in_both_sets(weights: str) -> None:
    metric = KIDLite0(weights=weights)
    output, target = torch.rand(3, 3, 32, 32) * 2 - 1, torch.rand(3, 1, 32, 32) * 2 - 1
    seen = torch.cat([metric(output[:2], target[:2]), metric(output[2:], target[2:])])
    assert seen.shape == (3, 2, 1280)
    made, real = metric.features.pooled(output).double(), metric.features.pooled(target).double()
    assert metric.aggregate(seen) == pytest.approx(kid(made, real, aligned=True), rel=1e-3)
    for cls, distance in ((MINDLite0, mind), (FIDLite0, fid)):
        assert cls(weights=weights).aggregate(seen) == pytest.approx(distance(*seen.double().unbind(1)))
    assert math.isnan(metric.aggregate(seen[:1]))


def test_figures_that_fall_with_the_count_say_so(weights: str) -> None:
    assert not KIDLite0(weights=weights).caution(10)
    assert "100 images: below 2,000" in FIDLite0(weights=weights).caution(100)
    assert not FIDLite0(weights=weights).caution(2000)
    assert "100 images: below 1,000" in MINDLite0(weights=weights).caution(100)


@pytest.mark.parametrize("cls", [KIDInception, MINDInception, FIDInception])
def test_metrics_of_inception_name_the_file_that_they_need(cls: type[KIDInception]) -> None:
    with pytest.raises(UsageError, match=r"Set weights to pytorch-fid's pt_inception.*\.pth"):
        cls()
