"""What logits cost beside the classes that pixels have."""

import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError


class CrossEntropy(nn.Module):
    """Mean of -log softmax at the class that each pixel has.

    Takes logits beside one-hot classes, both (N, classes, H, W), the latter of 0 and 1. A pixel whose one-hot is all 0
    has no class: it costs nothing and does not enter the mean, which is 0 where no pixel has one.

    Raises:
        UsageError: When called, if there is but one class, which every pixel then has whatever the logits are.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare logits with one-hot classes of their shape; returns a scalar."""
        if output.shape[1] < 2:
            raise UsageError(
                "cross-entropy of one class is 0 whatever is made. Give the background a class of its own."
            )
        surprise = -(target * F.log_softmax(output, dim=1)).sum()
        return surprise / target.sum().clamp(min=1)
