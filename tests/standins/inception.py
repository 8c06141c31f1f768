"""FID's Inception written out a second time, with its batch norms, as torch's own layers: narrow, of drawn weights."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

Drawn = dict[str, Tensor]
SLIM = 16
"""By which it is narrower than the real one."""


class Inception:
    """Draws the weights of a layer when it first meets it, under the names of pytorch-fid's file."""

    def __init__(self) -> None:
        self.weights: Drawn = {"fc.weight": torch.zeros(1008, 2048 // SLIM), "fc.bias": torch.zeros(1008)}
        self.generator = torch.Generator().manual_seed(0)
        self(torch.zeros(1, 3, 299, 299))

    def _draw(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        return torch.rand(*shape, generator=self.generator) * (high - low) + low

    def _convolved(self, x: Tensor, name: str, out: int, kernel: tuple[int, int], stride: int, pad: bool) -> Tensor:
        out //= SLIM
        if f"{name}.conv.weight" not in self.weights:
            fan = x.shape[1] * kernel[0] * kernel[1]
            self.weights |= {
                f"{name}.conv.weight": self._draw(out, x.shape[1], *kernel) * (6 / fan) ** 0.5,
                f"{name}.bn.weight": self._draw(out, low=0.8, high=1.2),
                f"{name}.bn.bias": self._draw(out, low=-0.2, high=0.2),
                f"{name}.bn.running_mean": self._draw(out, low=-0.2, high=0.2),
                f"{name}.bn.running_var": self._draw(out, low=0.8, high=1.2),
            }
        padding = (kernel[0] // 2, kernel[1] // 2) if pad else 0
        x = F.conv2d(x, self.weights[f"{name}.conv.weight"], None, stride, padding)
        mean, variance, weight, bias = (
            self.weights[f"{name}.bn.{each}"] for each in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias, eps=0.001).relu()

    def __call__(self, x: Tensor) -> list[Tensor]:
        """What is seen of values in [-1, 1]: behind both poolings of the stem, before 8x8, and at last."""
        c = self._convolved
        x = c(x, "Conv2d_1a_3x3", 32, (3, 3), 2, False)
        x = c(x, "Conv2d_2a_3x3", 32, (3, 3), 1, False)
        x = c(x, "Conv2d_2b_3x3", 64, (3, 3), 1, True)
        seen = [F.max_pool2d(x, 3, 2)]
        x = c(seen[0], "Conv2d_3b_1x1", 80, (1, 1), 1, True)
        seen.append(F.max_pool2d(c(x, "Conv2d_4a_3x3", 192, (3, 3), 1, False), 3, 2))
        x = self._a(self._a(self._a(seen[1], "Mixed_5b", 32), "Mixed_5c", 64), "Mixed_5d", 64)
        x = self._b(x)
        for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            x = self._c(x, name, width)
        seen.append(x)
        x = self._e(self._d(x), "Mixed_7b", average)
        return [*seen, self._e(x, "Mixed_7c", partial(F.max_pool2d, kernel_size=3, stride=1, padding=1))]

    def _chain(self, x: Tensor, name: str, *layers: tuple[int, tuple[int, int]], last_halves: bool = False) -> Tensor:
        for number, (out, kernel) in enumerate(layers, 1):
            halves = last_halves and number == len(layers)
            x = self._convolved(x, f"{name}_{number}", out, kernel, 2 if halves else 1, not halves)
        return x

    def _a(self, x: Tensor, name: str, pooled: int) -> Tensor:
        one = self._convolved(x, f"{name}.branch1x1", 64, (1, 1), 1, True)
        five = self._chain(x, f"{name}.branch5x5", (48, (1, 1)), (64, (5, 5)))
        double = self._chain(x, f"{name}.branch3x3dbl", (64, (1, 1)), (96, (3, 3)), (96, (3, 3)))
        pool = self._convolved(average(x), f"{name}.branch_pool", pooled, (1, 1), 1, True)
        return torch.cat([one, five, double, pool], 1)

    def _b(self, x: Tensor) -> Tensor:
        three = self._convolved(x, "Mixed_6a.branch3x3", 384, (3, 3), 2, False)
        double = self._chain(x, "Mixed_6a.branch3x3dbl", (64, (1, 1)), (96, (3, 3)), (96, (3, 3)), last_halves=True)
        return torch.cat([three, double, F.max_pool2d(x, 3, 2)], 1)

    def _c(self, x: Tensor, name: str, width: int) -> Tensor:
        across, down = (1, 7), (7, 1)
        one = self._convolved(x, f"{name}.branch1x1", 192, (1, 1), 1, True)
        seven = self._chain(x, f"{name}.branch7x7", (width, (1, 1)), (width, across), (192, down))
        layers = ((width, (1, 1)), (width, down), (width, across), (width, down), (192, across))
        double = self._chain(x, f"{name}.branch7x7dbl", *layers)
        pool = self._convolved(average(x), f"{name}.branch_pool", 192, (1, 1), 1, True)
        return torch.cat([one, seven, double, pool], 1)

    def _d(self, x: Tensor) -> Tensor:
        three = self._chain(x, "Mixed_7a.branch3x3", (192, (1, 1)), (320, (3, 3)), last_halves=True)
        layers = ((192, (1, 1)), (192, (1, 7)), (192, (7, 1)), (192, (3, 3)))
        seven = self._chain(x, "Mixed_7a.branch7x7x3", *layers, last_halves=True)
        return torch.cat([three, seven, F.max_pool2d(x, 3, 2)], 1)

    def _e(self, x: Tensor, name: str, pool: Callable[[Tensor], Tensor]) -> Tensor:
        c = self._convolved
        one = c(x, f"{name}.branch1x1", 320, (1, 1), 1, True)
        three = c(x, f"{name}.branch3x3_1", 384, (1, 1), 1, True)
        double = self._chain(x, f"{name}.branch3x3dbl", (448, (1, 1)), (384, (3, 3)))
        forked = [
            c(seen, f"{name}.{layer}", 384, kernel, 1, True)
            for seen, layers in ((three, "branch3x3_2"), (double, "branch3x3dbl_3"))
            for layer, kernel in ((f"{layers}a", (1, 3)), (f"{layers}b", (3, 1)))
        ]
        return torch.cat([one, *forked, c(pool(x), f"{name}.branch_pool", 192, (1, 1), 1, True)], 1)


def average(x: Tensor) -> Tensor:
    """The mean of those of 3x3 that are in the picture."""
    return F.avg_pool2d(x, 3, 1, 1) / F.avg_pool2d(torch.ones_like(x), 3, 1, 1)
