"""Past fakes that discriminators are shown again."""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Keep past fakes, and show some of them again (Shrivastava et al. 2017, arXiv 1612.07828, section 2.3).

    Once it is full, every other fake, on average, is kept in the place of a random one, which is shown instead (Zhu et
    al. 2017, section 4). What is kept is a buffer, so that a run resumes with it; what is drawn comes from torch's
    default generator. Each process of a run on many devices has a pool of its own.

    Args:
        size: How many are kept; 0 shows every fake as it is.
    """

    kept: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("kept", torch.empty(0))

    def forward(self, fakes: Tensor) -> Tensor:
        """Return as many fakes as are given, (N, C, H, W), without their gradients."""
        fakes = fakes.detach()
        return torch.stack([self._shown(fake) for fake in fakes]) if self.size else fakes

    def _shown(self, fake: Tensor) -> Tensor:
        if len(self.kept) < self.size:
            self.kept = torch.cat([self.kept.reshape(-1, *fake.shape), fake[None]])
            return fake
        # on the CPU, so that a run draws the same numbers wherever its networks are
        place = int(torch.randint(2 * self.size, (), device="cpu"))
        if place >= self.size:
            return fake
        shown = self.kept[place].clone()
        self.kept[place] = fake
        return shown
