"""What logits cost beside the classes that pixels have."""

import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError


class CrossEntropy(nn.Module):
    """Mean of -log softmax at the class that each pixel has.

    Takes logits beside one-hot classes, both (N, classes, H, W), the latter of 0 and 1. A pixel whose one-hot is all 0
    has no class: it costs nothing and does not enter the mean, which is 0 where no pixel has one.

    Raises:
        UsageError: When called, if there is but one class, which every pixel then has whatever the logits are; at the
            first call, if the target is no one-hot.
    """

    def __init__(self) -> None:
        super().__init__()
        self._looked = False  # once: to look at values waits for the device

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare logits with one-hot classes of their shape; returns a scalar."""
        if output.shape[1] < 2:
            raise UsageError(
                "cross-entropy of one class is 0 whatever is made. Give the background a class of its own."
            )
        if not self._looked and not target.is_meta:
            _check_one_hot(target)
            self._looked = True
        surprise = -(target * F.log_softmax(output, dim=1)).sum()
        return surprise / target.sum().clamp(min=1)


def _check_one_hot(target: Tensor) -> None:
    if bool(((target != 0) & (target != 1)).any()):
        raise UsageError(
            f"cross-entropy takes one-hot classes of 0 and 1, got values from {target.min():.3g} to {target.max():.3g}"
            ". Use it where the target is class ids, or take l1."
        )
