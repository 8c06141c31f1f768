"""FLIP: the difference that somebody sees who flips between two images (Andersson et al. 2020).

Computed by ``flip-evaluator``, the authors' own program (https://github.com/NVlabs/flip, BSD-3).
"""

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_metrics.pixels import mean_within

INSTALL = "pip install 'i2i-toolkit[metrics]'"


class FLIP(nn.Module):
    """Difference seen when two images alternate, in [0, 1] (Andersson et al. 2020): mean over the pixels.

    Compares colours and edges as an eye at some distance tells them apart; 1 is the difference of pure green and pure
    blue. Values are sRGB of ordinary brightness (LDR); gray is three equal channels.

    Args:
        pixels_per_degree: Pixels in one degree of sight; 67 is the authors' monitor, 0.7 m away. Fewer see more detail.

    Raises:
        UsageError: If the package is missing; when called, if images are neither RGB nor gray.
    """

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "less different to an eye that flips between them"

    def __init__(self, *, pixels_per_degree: Annotated[float, Field(gt=0)] = 67.0) -> None:
        super().__init__()
        try:
            from flip_evaluator import evaluate
        except ImportError:
            raise UsageError(f"flip needs the package flip-evaluator. Install it: {INSTALL}.") from None
        self._evaluate = evaluate
        self._viewing = {"ppd": pixels_per_degree}

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the difference seen at each pixel, (N, H, W) in [0, 1]."""
        if output.shape[1] not in (1, 3):
            raise UsageError(f"flip compares RGB or gray images, got {output.shape[1]} channels. Leave it out.")
        seen = [self._seen(*pair) for pair in zip(_pixels(output), _pixels(target), strict=True)]
        return torch.stack(seen).to(output.device)

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        return mean_within(self.map(output, target), mask)

    def _seen(self, output: Tensor, target: Tensor) -> Tensor:
        error, _, _ = self._evaluate(
            target.numpy(), output.numpy(), "LDR", applyMagma=False, computeMeanError=False, parameters=self._viewing
        )
        return torch.from_numpy(np.ascontiguousarray(error[..., 0]))


def _pixels(image: Tensor) -> Tensor:
    """Return (N, H, W, 3) in [0, 1], on the CPU."""
    rgb = image.detach().float().expand(-1, 3, -1, -1) / 2 + 0.5
    return rgb.clamp(0, 1).permute(0, 2, 3, 1).contiguous().cpu()
