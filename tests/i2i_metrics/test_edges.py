import math

import pytest
import torch
from torch import Tensor

from i2i.errors import UsageError
from i2i_metrics import EdgeF


def split_at(*columns: int, size: int = 32) -> Tensor:
    """Return images that are black left of a column and white from it on."""
    return torch.stack([(torch.arange(size) >= column).float().expand(3, size, size) * 2 - 1 for column in columns])


def test_an_edge_is_found_within_a_pixel_and_not_farther() -> None:
    assert EdgeF()(split_at(15, 16, 17, 18), split_at(16, 16, 16, 16)).tolist() == [1, 1, 1, 0]


def test_reach_grows_with_the_image() -> None:
    size = 286  # of which 0.0075 of the diagonal are 3.03 pixels
    assert EdgeF()(split_at(103, 104, size=size), split_at(100, 100, size=size)).tolist() == [1, 0]


def test_figure_is_the_harmonic_mean_of_precision_and_recall() -> None:
    one, two = split_at(8), split_at(8)
    two[..., 24:] = -1  # a second edge, as long as the first
    half = pytest.approx(2 / 3)
    assert EdgeF()(two, one).item() == half  # precision 1/2, recall 1
    assert EdgeF()(one, two).item() == half
    assert EdgeF().map(one, two).sum() == 32
    assert EdgeF().map(one, two)[0, :, 16:].sum() == 32


def test_where_neither_has_an_edge_nothing_is_measured_and_where_one_has_it_is_0() -> None:
    flat, split = torch.zeros(1, 3, 32, 32), split_at(16)
    assert math.isnan(EdgeF()(flat, flat).item())
    assert EdgeF()(flat, split).item() == EdgeF()(split, flat).item() == 0


def test_a_region_has_the_edges_inside_of_it_wherever_their_matches_are() -> None:
    mask = torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[:, :, 12:] = True
    right, both = split_at(24), split_at(24)
    both[..., :8] = 1  # a second edge, outside the region
    assert EdgeF()(both, right, mask=mask).item() == 1
    assert EdgeF()(both, right).item() < 1
    assert EdgeF()(right, both, mask=~mask).item() == 0
    assert math.isnan(EdgeF()(right, right, mask=~mask).item())
    beside = torch.zeros(1, 32, 32, dtype=torch.bool)
    beside[:, :, 16:] = True
    where = [int(EdgeF()._edges(split_at(at))[0, 9].nonzero().item()) for at in (16, 17)]
    beside[:, :, : where[1]] = False
    assert EdgeF()(split_at(17), split_at(16), mask=beside).item() == 0  # nothing to recall inside
    assert EdgeF()(split_at(17), split_at(17), mask=beside).item() == 1


def test_faint_edges_count_when_asked_for_and_blur_loses_edges() -> None:
    faint = split_at(16) * 0.1
    assert math.isnan(EdgeF()(faint, faint).item())
    assert EdgeF(low=10, high=20)(faint, faint).item() == 1
    assert EdgeF()(faint, split_at(16)).item() == 0


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(UsageError, match="low 300 above high 200"):
        EdgeF(low=300)
