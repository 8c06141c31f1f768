"""How many pixels have their class: the figures of semantic segmentation, from ids (N, H, W); void is below 0."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.contracts import Ids
from i2i.errors import UsageError


class Segmentation(nn.Module):
    """Pixel accuracy, class accuracy and class IoU, each in [0, 1] (Long et al. 2015, section 5), of a set of images.

    With the pixels of all images counted together: ``pixel`` is the part of them that is right, ``class`` the mean over
    the classes of the part of their pixels that is right, ``iou`` the mean over the classes of the right pixels of all
    that are it or are taken for it. A class that never occurs is left out of ``class``; it is left out of ``iou`` where
    it is never made either, and counts as 0 where it is. Pixels whose target is void do not count; those that are made
    void, and should not be, are wrong.

    Args:
        classes: Ids are below it.

    Raises:
        UsageError: When called, if they are not.
    """

    higher_is_better: ClassVar[bool] = True
    pairs: ClassVar[bool] = True
    better: ClassVar[str] = "right in more pixels"

    def __init__(self, *, classes: Annotated[int, Field(ge=1)] = 256) -> None:
        super().__init__()
        self.classes = classes

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return 1 where a class is wrong, else 0: (N, H, W)."""
        return ((output != target) & (target >= 0)).float()

    def forward(self, output: Ids, target: Ids, *, mask: Tensor | None = None) -> Tensor:
        """Compare ids (N, H, W) with (N, H, W); returns what `count_classes` does, (N, 3, classes)."""
        if (largest := int(torch.maximum(output, target).max())) >= self.classes:
            raise UsageError(
                f"segmentation counts classes below {self.classes}, and there is a {largest}. "
                f"Set its option classes to {largest + 1} or more."
            )
        return count_classes(output, target, self.classes, mask)

    def aggregate(self, seen: Tensor) -> Mapping[str, float]:
        """Return the figures of a set."""
        return score_classes(seen)


def count_classes(output: Tensor, target: Tensor, classes: int, mask: Tensor | None = None) -> Tensor:
    """Count the pixels of each class whose target is known.

    Args:
        output: Ids (N, H, W), below ``classes``; below 0 where there is none.
        target: Ids (N, H, W), below ``classes``; below 0 where they are not known.
        classes: How many there are.
        mask: Bool (N, H, W), where only these pixels count.

    Returns:
        (N, 3, classes) of int64: how many are right, how many there are in truth, and how many are made.
    """
    known = target >= 0 if mask is None else (target >= 0) & mask
    right, real, made = known & (output == target), known, known & (output >= 0)
    counts = [_count(ids, where, classes) for ids, where in ((target, right), (target, real), (output, made))]
    return torch.stack(counts, dim=1)


def score_classes(counts: Tensor) -> dict[str, float]:
    """Return pixel accuracy, class accuracy and class IoU.

    Args:
        counts: Of a set of images, (N, 3, classes), as `count_classes` returns them.

    Returns:
        ``pixel``, ``class`` and ``iou``, in [0, 1]; NaN where no pixel is known.
    """
    right, real, made = counts.sum(0).double()
    return {
        "pixel": float(right.sum() / real.sum()),
        "class": float((right / real).nanmean()),
        "iou": float((right / (real + made - right)).nanmean()),
    }


def _count(ids: Tensor, where: Tensor, classes: int) -> Tensor:
    """Return how many pixels of each image have each class, (N, classes)."""
    item = torch.arange(len(ids), device=ids.device).view(-1, 1, 1) * classes
    return torch.bincount((ids + item)[where], minlength=len(ids) * classes).view(len(ids), classes)
