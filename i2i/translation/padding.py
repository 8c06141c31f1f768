"""Bring images to a size that networks take, and what they make back: mirrored outwards, and cut."""

from typing import NamedTuple

import torch
from torch import Tensor


class Margins(NamedTuple):
    """Pixels that are added around an image."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def of(cls, height: int, width: int, multiple: int) -> "Margins":
        """Return what an image lacks to be divisible by a number, on both sides alike."""
        rows, columns = -height % multiple, -width % multiple
        return cls(rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)

    def around(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of an image with its margins."""
        return height + self.top + self.bottom, width + self.left + self.right

    def pad(self, values: Tensor) -> Tensor:
        """Mirror (..., H, W) outwards; margins may be larger than the image."""
        # by index, since torch's padding refuses such margins, and ids
        rows = _mirror(values.shape[-2], self.top, self.bottom, values.device)
        columns = _mirror(values.shape[-1], self.left, self.right, values.device)
        return values[..., rows, :][..., columns]

    def cut(self, values: Tensor) -> Tensor:
        """Return (..., H, W) without the margins."""
        height, width = values.shape[-2:]
        return values[..., self.top : height - self.bottom, self.left : width - self.right]


def _mirror(length: int, before: int, after: int, device: torch.device) -> Tensor:
    period = max(2 * length - 2, 1)
    place = torch.arange(-before, length + after, device=device).remainder(period)
    return torch.where(place < length, place, period - place)
