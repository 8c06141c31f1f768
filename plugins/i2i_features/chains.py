"""Chains of convolutions as frozen features, of torchvision's weights: VGG-16 and AlexNet.

Simonyan and Zisserman 2015, arXiv 1409.1556, table 1, column D; Krizhevsky 2014, arXiv 1404.5997, as torchvision has
it. The layers are those of Zhang et al. 2018, arXiv 1801.03924, section 3. Own code. The weights are not shipped: they
are those of a file by torchvision's names (BSD 3-clause; learned on ImageNet).
"""

from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.features import read_weights, take
from i2i_features.frozen import Convolution, rgb

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in [0, 1], by which torchvision's weights expect images."""
SIDE = 224
"""Pixels along both sides of what is pooled: of the images that both learned on."""


class Link(NamedTuple):
    """A convolution, with ReLU after it."""

    place: int
    """In torchvision's ``features``."""
    kernel: int
    stride: int
    padding: int


class _Chain(nn.Module):
    groups: ClassVar[tuple[tuple[Link, ...], ...]]
    """What is seen is what the last of each group says."""
    pool: ClassVar[int]
    """Side of the windows of max pooling, with stride 2."""
    pooled_after: ClassVar[frozenset[int]]
    """Groups with a pooling after them."""
    called: ClassVar[str]
    file: ClassVar[str]

    def __init__(self, *, weights: str = "") -> None:
        super().__init__()
        if not weights:
            raise UsageError(f"{self.called} has no weights of its own here. Set weights to torchvision's {self.file}.")
        read = read_weights(Path(weights))
        channels, links = 3, []
        for link in (link for group in self.groups for link in group):
            name = f"features.{link.place}"
            kernel = take(read, f"{name}.weight", (None, channels, link.kernel, link.kernel), self.called)
            bias = take(read, f"{name}.bias", kernel.shape[:1], self.called)
            links.append(Convolution(kernel, bias, link.stride, padding=link.padding))
            channels = len(kernel)
        self.links = nn.ModuleList(links)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (N, 1 or 3, H, W), the last of each group."""
        x = ((rgb(image) + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        seen: list[Tensor] = []
        links = iter(self.links)
        for number, group in enumerate(self.groups):
            for _ in group:
                x = next(links)(x).relu()
            seen.append(x)
            if number in self.pooled_after:
                x = F.max_pool2d(x, self.pool, 2)
        return seen

    def pooled(self, image: Tensor) -> Tensor:
        """Return (N, D): the mean over all places of the last features of (N, 1 or 3, H, W), brought to 224x224."""
        return self.forward(F.interpolate(image, (SIDE, SIDE), mode="area"))[-1].mean((2, 3))


class VGG16(_Chain):
    """VGG-16, which learned on ImageNet (Simonyan and Zisserman 2015, column D); its weights have to be given.

    It sees RGB in [-1, 1], or gray as three equal channels, at the size that is given: what is behind the last ReLU
    before each halving, and the last of all, at that size, a half, a quarter, an eighth and a 16th of it. Pooled is the
    mean over all places of the last, of images that are brought to 224x224 by the mean of the pixels that each new
    pixel covers, whatever shape they had.

    Its weights are buffers that no state dict holds: they move with it to a device, and no optimizer, checkpoint or
    count of parameters finds them.

    Args:
        weights: File by torchvision's names, such as its ``vgg16-397923af.pth``: safetensors, or a bare state dict of
            torch. What is of the classifier is not looked at.

    Raises:
        UsageError: If no file is given.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """

    groups = tuple(
        tuple(Link(place, 3, 1, 1) for place in places)
        for places in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
    )
    pool, pooled_after = 2, frozenset({0, 1, 2, 3})
    called, file = "VGG-16", "vgg16-397923af.pth"


class AlexNet(_Chain):
    """AlexNet, which learned on ImageNet (Krizhevsky 2014, as torchvision has it); its weights have to be given.

    It sees RGB in [-1, 1], or gray as three equal channels, at the size that is given: what is behind the ReLU of each
    of the five convolutions, at about a quarter, an eighth, and three times a 16th of it. Pooled is the mean over all
    places of the last, of images that are brought to 224x224 by the mean of the pixels that each new pixel covers,
    whatever shape they had.

    Its weights are buffers that no state dict holds: they move with it to a device, and no optimizer, checkpoint or
    count of parameters finds them.

    Args:
        weights: File by torchvision's names, such as its ``alexnet-owt-7be5be79.pth``: safetensors, or a bare state
            dict of torch. What is of the classifier is not looked at.

    Raises:
        UsageError: If no file is given.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """

    groups = ((Link(0, 11, 4, 2),), (Link(3, 5, 1, 2),), (Link(6, 3, 1, 1),), (Link(8, 3, 1, 1),), (Link(10, 3, 1, 1),))
    pool, pooled_after = 3, frozenset({0, 1})
    called, file = "AlexNet", "alexnet-owt-7be5be79.pth"
