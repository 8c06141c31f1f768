"""VGG-16 as frozen features: what it sees, never trained and never saved.

Simonyan and Zisserman 2015, arXiv 1409.1556, table 1, column D; the layers are those of Zhang et al. 2018, arXiv
1801.03924, section 3. Own code. Its weights are not shipped: they are those of a file by torchvision's names, such as
``vgg16-397923af.pth`` (torchvision, BSD 3-clause; learned on ImageNet).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import DataError

LAYERS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Places of the convolutions in torchvision's ``features``; images are halved between these groups."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in [0, 1], by which torchvision's weights expect images."""


class VGG16(nn.Module):
    """The trunk: features of RGB in [-1, 1] behind the last ReLU before each halving, and the last of all.

    Its weights are buffers that no state dict holds: they move with it to a device, and no optimizer, checkpoint or
    count of parameters finds them.

    Args:
        weights: By torchvision's names; those of the classifier are not looked at.

    Raises:
        DataError: If one is missing, or of another shape.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        channels = 3
        for place in (place for group in LAYERS for place in group):
            kernel, bias = _taken(weights, f"features.{place}.weight"), _taken(weights, f"features.{place}.bias")
            if kernel.shape[1:] != (channels, 3, 3) or bias.shape != kernel.shape[:1]:
                shapes = f"{tuple(kernel.shape)} and {tuple(bias.shape)}"
                raise DataError(f"features.{place} of the weights is {shapes}. That is no VGG-16.")
            channels = len(kernel)
            self.register_buffer(f"kernel_{place}", kernel.float(), persistent=False)
            self.register_buffer(f"bias_{place}", bias.float(), persistent=False)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features of (N, 3, H, W), at that size, at a half, a quarter, an eighth and a 16th of it."""
        x = ((image + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        seen: list[Tensor] = []
        for group in LAYERS:
            x = F.max_pool2d(seen[-1], 2) if seen else x
            for place in group:
                x = F.conv2d(x, self.get_buffer(f"kernel_{place}"), self.get_buffer(f"bias_{place}"), padding=1).relu()
            seen.append(x)
        return seen


def _taken(weights: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in weights or weights[name].ndim == 0:
        raise DataError(f"The weights have no {name!r}. Give those of torchvision's VGG-16.")
    return weights[name]
