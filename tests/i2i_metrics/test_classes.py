import math

import numpy as np
import pytest
import torch
from torch import Tensor

from i2i import testing
from i2i.errors import UsageError
from i2i_metrics import Segmentation


def figures(output: Tensor, target: Tensor, mask: Tensor | None = None) -> dict[str, float]:
    metric = Segmentation(classes=5)
    return dict(metric.aggregate(metric(output, target, mask=mask)))


def by_confusion(output: Tensor, target: Tensor) -> dict[str, float]:
    """The formulas of Long et al. 2015 on the matrix n[i, j] of pixels of class i that are taken for j."""
    n = np.zeros((5, 6))  # the last column: taken for none
    for made, real in zip(output.flatten().tolist(), target.flatten().tolist(), strict=True):
        if real >= 0:
            n[real, made if made >= 0 else 5] += 1
    t, right, taken = n.sum(1), np.diag(n), n[:, :5].sum(0)
    union = t + taken - right
    return {
        "pixel": right.sum() / t.sum(),
        "class": float(np.mean(right[t > 0] / t[t > 0])),
        "iou": float(np.mean(right[union > 0] / union[union > 0])),
    }


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_the_confusion_matrix(seed: int) -> None:
    output, target = torch.randint(-1, 4, (2, 3, 4, 5), generator=torch.Generator().manual_seed(seed))
    target[0, 0, 0] = 0
    assert figures(output, target) == pytest.approx(by_confusion(output, target))


def test_figures_by_hand() -> None:
    target = torch.tensor([[[0, 0, 0, 1], [1, 2, -1, -100]]])
    output = torch.tensor([[[0, 0, 1, 1], [4, 2, 3, 3]]])  # 4 is of no pixel, 3 is made of void alone
    assert figures(output, target) == pytest.approx(
        {"pixel": 4 / 6, "class": (2 / 3 + 1 / 2 + 1) / 3, "iou": (2 / 3 + 1 / 3 + 1 + 0) / 4}
    )


def test_pixels_of_all_images_are_counted_together() -> None:
    target = torch.tensor([[[0, 0, 0, 0]], [[0, 0, 0, 1]]])
    output = torch.tensor([[[0, 0, 0, 0]], [[1, 1, 1, 1]]])
    assert figures(output, target)["class"] == pytest.approx((4 / 7 + 1) / 2)  # not the mean of 1 and 1/2


def test_equal_ids_are_ideal_and_order_and_batches_do_not_matter() -> None:
    target = torch.randint(-1, 4, (4, 6, 6), generator=torch.Generator().manual_seed(0))
    metric = Segmentation()
    assert metric.aggregate(metric(target, target)) == {"pixel": 1, "class": 1, "iou": 1}
    output = target.roll(1, 0)
    parts = [metric(output[at : at + 1], target[at : at + 1]) for at in range(4)]
    assert torch.equal(torch.cat(parts), metric(output, target))
    assert metric.aggregate(torch.cat(parts[::-1])) == metric.aggregate(metric(output, target))


def test_a_region_is_its_pixels_and_all_of_them_are_the_image() -> None:
    output, target = torch.randint(0, 4, (2, 2, 6, 6), generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, 6, 6, dtype=torch.bool)
    mask[:, 2:, :3] = True
    assert figures(output, target, mask) == pytest.approx(by_confusion(output[:, 2:, :3], target[:, 2:, :3]))
    assert figures(output, target, torch.ones_like(mask)) == figures(output, target)


def test_without_a_known_pixel_there_is_no_figure() -> None:
    nothing = torch.full((1, 2, 2), -1)
    assert all(math.isnan(figure) for figure in figures(torch.zeros_like(nothing), nothing).values())


def test_map_shows_what_is_wrong_and_known() -> None:
    target, output = torch.tensor([[[0, 1, -1]]]), torch.tensor([[[0, 2, 2]]])
    assert Segmentation().map(output, target).tolist() == [[[0, 1, 0]]]


def test_more_classes_than_are_counted_are_refused() -> None:
    with pytest.raises(UsageError, match="below 256, and there is a 300"):
        Segmentation()(torch.full((1, 2, 2), 300), torch.zeros(1, 2, 2, dtype=torch.int64))


def test_contract_is_kept() -> None:
    testing.check_metric(Segmentation)
