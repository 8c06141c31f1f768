"""The Inception-v3 that FID is defined by, as frozen features.

Szegedy et al. 2016, arXiv 1512.00567, in the form of TensorFlow's graph of 2015-12-05 (Apache-2.0), whose pooled 2048
channels Heusel et al. 2017, arXiv 1706.08500, compare. It is not that of torchvision: average pooling does not count
its padding, the last block has a maximum in its place, and there are 1008 classes. Own code; as pytorch-fid and
torch-fidelity (both Apache-2.0) name its weights. It could be tested with drawn weights only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import DataError, UsageError
from i2i.features import read_weights, take
from i2i_features.frozen import Convolution, folded, rgb

FILE = "pt_inception-2015-12-05-6726825d.pth"
SIDE, CLASSES = 299, 1008


class Layer(NamedTuple):
    """A convolution without bias, batch norm and ReLU."""

    name: str
    height: int
    width: int
    stride: int = 1
    same: bool = True
    """Whether it is padded, so that the size stays."""


class Pool(NamedTuple):
    """A window of 3x3: padded by 1 at stride 1, not at stride 2."""

    maximum: bool
    stride: int


Fork = tuple[Layer, ...]
"""Layers that see the same, side by side."""
Branch = tuple[Layer | Pool | Fork, ...]


def _branch(prefix: str, *kernels: str) -> Branch:
    """Return layers of one branch that are numbered from 1: ``3x3``, or ``3x3/2`` at stride 2 and unpadded."""
    layers = []
    for number, kernel in enumerate(kernels, 1):
        height, width = map(int, kernel.removesuffix("/2").split("x"))
        halves = kernel.endswith("/2")
        layers.append(Layer(f"{prefix}_{number}", height, width, 2 if halves else 1, not halves))
    return tuple(layers)


def _forked(prefix: str, *kernels: str) -> Branch:
    fork = Layer(f"{prefix}_{len(kernels) + 1}a", 1, 3), Layer(f"{prefix}_{len(kernels) + 1}b", 3, 1)
    return (*_branch(prefix, *kernels), fork)


POINT = (Layer("branch1x1", 1, 1),)


def _pooled(maximum: bool) -> Branch:
    return Pool(maximum, 1), Layer("branch_pool", 1, 1)


HALVED: Branch = (Pool(True, 2),)
STEM: Branch = (
    Layer("Conv2d_1a_3x3", 3, 3, 2, same=False),
    Layer("Conv2d_2a_3x3", 3, 3, same=False),
    Layer("Conv2d_2b_3x3", 3, 3),
    Pool(True, 2),
)
SECOND: Branch = (Layer("Conv2d_3b_1x1", 1, 1), Layer("Conv2d_4a_3x3", 3, 3, same=False), Pool(True, 2))
A = (POINT, _branch("branch5x5", "1x1", "5x5"), _branch("branch3x3dbl", "1x1", "3x3", "3x3"), _pooled(False))
B = ((Layer("branch3x3", 3, 3, 2, same=False),), _branch("branch3x3dbl", "1x1", "3x3", "3x3/2"), HALVED)
C = (
    POINT,
    _branch("branch7x7", "1x1", "1x7", "7x1"),
    _branch("branch7x7dbl", "1x1", "7x1", "1x7", "7x1", "1x7"),
    _pooled(False),
)
D = (_branch("branch3x3", "1x1", "3x3/2"), _branch("branch7x7x3", "1x1", "1x7", "7x1", "3x3/2"), HALVED)
E1, E2 = (
    (POINT, _forked("branch3x3", "1x1"), _forked("branch3x3dbl", "1x1", "3x3"), _pooled(maximum))
    for maximum in (False, True)
)
"""Figures 5, 10 (of 17x17: 6) and 7 of the paper, and what halves between them."""
GROUPS: tuple[Mapping[str, tuple[Branch, ...]], ...] = (
    {"": (STEM,)},
    {"": (SECOND,)},
    {f"Mixed_5{x}.": A for x in "bcd"} | {"Mixed_6a.": B} | {f"Mixed_6{x}.": C for x in "bcde"},
    {"Mixed_7a.": D, "Mixed_7b.": E1, "Mixed_7c.": E2},
)
"""By the prefix of their names: what is seen is what comes out of each group."""


class Inception(nn.Module):
    """The Inception-v3 of FID, which learned on ImageNet (Szegedy et al. 2016); its weights have to be given.

    It sees RGB in [-1, 1], or gray as three equal channels, at the size that is given, 75 pixels a side at least:
    features of 64, 192, 768 and 2048 channels, at about a quarter, an eighth, a 16th and a 32nd of it. What is pooled
    is the mean over all places of the last, of images in bytes that are brought to 299x299 as TensorFlow 1 did it:
    bilinear between the four nearest pixels, whatever the scale, with the corner at the upper left in its place.

    Batch norms are folded into the convolutions, so it has one mode. Its weights are buffers that no state dict holds:
    they move with it to a device, and no optimizer, checkpoint or count of parameters finds them.

    Args:
        weights: File by the names of pytorch-fid, such as ``pt_inception-2015-12-05-6726825d.pth`` of its releases:
            safetensors, or a bare state dict of torch.

    Raises:
        UsageError: If no file is given.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit; torchvision's Inception-v3 is another network.
    """

    def __init__(self, *, weights: str = "") -> None:
        super().__init__()
        if not weights:
            raise UsageError(f"Inception has no weights of its own here. Set weights to pytorch-fid's {FILE}.")
        read = read_weights(Path(weights))
        classes = read["fc.weight"].shape[0] if "fc.weight" in read and read["fc.weight"].ndim else 0
        if classes != CLASSES:
            raise DataError(
                f"{weights} tells {classes} classes apart. FID's Inception has {CLASSES}. Take pytorch-fid's {FILE}."
            )
        groups, channels = [], 3
        for group in GROUPS:
            blocks = []
            for prefix, branches in group.items():
                blocks.append(_Block(read, prefix, channels, branches))
                channels = blocks[-1].channels
            groups.append(nn.Sequential(*blocks))
        self.groups = nn.ModuleList(groups)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (N, 1 or 3, H, W)."""
        return list(self._seen((rgb(image) * 127.5 - 0.5) / 128))  # bytes less 128, over 128

    def pooled(self, image: Tensor) -> Tensor:
        """Return (N, 2048), 0 and above, of (N, 1 or 3, H, W)."""
        pixels = resize_as_tensorflow(((rgb(image) + 1) * 127.5).round().clamp(0, 255), SIDE)
        *_, last = self._seen((pixels - 128) / 128)
        return last.mean((2, 3))

    def _seen(self, x: Tensor) -> Iterator[Tensor]:
        for group in self.groups:
            x = group(x)
            yield x


def resize_as_tensorflow(image: Tensor, side: int) -> Tensor:
    """Return (N, C, side, side) of (N, C, H, W), as ``tf.image.resize_bilinear`` of TensorFlow 1 does without options.

    Pixel i of the new ones lies at i · old / new of the old ones, and is interpolated between the two beside it, along
    each axis.
    """
    for axis in (2, 3):
        old = image.shape[axis]
        place = torch.arange(side, dtype=image.dtype, device=image.device) * (old / side)
        below = place.long().clamp(max=old - 1)
        share = (place - below).unsqueeze(1) if axis == 2 else place - below
        first = image.index_select(axis, below)
        image = first + (image.index_select(axis, (below + 1).clamp(max=old - 1)) - first) * share
    return image


class _Block(nn.Module):
    """Branches that see the same, and whose channels are put behind each other."""

    def __init__(self, weights: Mapping[str, Tensor], prefix: str, before: int, branches: tuple[Branch, ...]) -> None:
        super().__init__()
        self.branches, self.channels = nn.ModuleList(), 0
        for branch in branches:
            steps, channels = list[nn.Module](), before
            for step in branch:
                if isinstance(step, Pool):
                    steps.append(_Pooling(step))
                    continue
                made = (
                    _Convolved(weights, prefix, channels, step)
                    if isinstance(step, Layer)
                    else _Block(weights, prefix, channels, tuple((layer,) for layer in step))
                )
                steps.append(made)
                channels = made.channels
            self.branches.append(nn.Sequential(*steps))
            self.channels += channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class _Convolved(nn.Module):
    def __init__(self, weights: Mapping[str, Tensor], prefix: str, before: int, layer: Layer) -> None:
        super().__init__()
        name = prefix + layer.name
        kernel = take(weights, f"{name}.conv.weight", (None, before, layer.height, layer.width), "FID's Inception")
        padding = None if layer.same else 0
        self.convolution = Convolution(
            *folded(weights, kernel, f"{name}.bn", "FID's Inception"), layer.stride, padding=padding
        )
        self.channels = len(kernel)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.convolution(x))


class _Pooling(nn.Module):
    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        padding = 1 if self.pool.stride == 1 else 0
        if self.pool.maximum:
            return F.max_pool2d(x, 3, self.pool.stride, padding)
        return F.avg_pool2d(x, 3, self.pool.stride, padding, count_include_pad=False)
