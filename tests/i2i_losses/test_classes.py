"""Cross-entropy of one-hot classes against torch's, which takes ids."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from i2i.errors import UsageError
from i2i_losses import CrossEntropy

VOID = 4


@pytest.fixture
def logits() -> Tensor:
    return 5 * torch.randn(2, VOID, 6, 8, generator=torch.Generator().manual_seed(0))


def one_hot(ids: Tensor) -> Tensor:
    return F.one_hot(ids, VOID + 1).movedim(-1, 1)[:, :VOID].float()


def test_it_is_torchs_with_what_has_no_class_left_out(logits: Tensor) -> None:
    ids = torch.randint(0, VOID + 1, (2, 6, 8), generator=torch.Generator().manual_seed(1))
    assert bool((ids == VOID).any())
    expected = F.cross_entropy(logits, ids, ignore_index=VOID)
    torch.testing.assert_close(CrossEntropy()(logits, one_hot(ids)), expected)


def test_pixel_without_class_has_no_gradient(logits: Tensor) -> None:
    ids = torch.zeros(2, 6, 8, dtype=torch.int64)
    ids[0, 2, 3] = VOID
    (slope,) = torch.autograd.grad(CrossEntropy()(logits.requires_grad_(), one_hot(ids)), logits)
    assert not slope[0, :, 2, 3].any()
    assert bool(slope[0, :, 2, 4].all())


def test_nothing_to_learn_costs_nothing(logits: Tensor) -> None:
    loss = CrossEntropy()(logits.requires_grad_(), torch.zeros_like(logits))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_logits_beyond_the_range_of_exp_are_finite() -> None:
    logits, target = torch.tensor([[[[1000.0]], [[-1000.0]]]]), torch.tensor([[[[0.0]], [[1.0]]]])
    assert CrossEntropy()(logits, target).item() == pytest.approx(2000)


def test_single_class_is_refused() -> None:
    with pytest.raises(UsageError, match="one class"):
        CrossEntropy()(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))


def test_image_in_place_of_classes_is_refused(logits: Tensor) -> None:
    with pytest.raises(UsageError, match=r"one-hot classes of 0 and 1, got values from -1 to 0\.5"):
        CrossEntropy()(logits, torch.tensor([-1.0, 0.5]).repeat(2, VOID, 6, 4))
