"""Holistically-nested edge detection (Xie & Tu, ICCV 2015), the network that pix2pix took its edges from.

Paper: https://arxiv.org/abs/1504.06375. Original code: https://github.com/s9xie/hed. Written anew for torch from the
paper and from the behaviour of its ports. Where weights come from, and under which licence: `i2i_prepare.hed_weights`.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = (2, 2, 3, 3, 3)
GRID = 16
"""Pixels from one cell of the coarsest stage to the next."""


class Stage(nn.Module):
    """Convolutions 3x3 of one resolution, each followed by a ReLU; a stage of VGG16 without its pooling."""

    def __init__(self, in_channels: int, out_channels: int, depth: int) -> None:
        super().__init__()
        channels = [in_channels] + [out_channels] * (depth - 1)
        self.convs = nn.ModuleList(nn.Conv2d(c, out_channels, 3, padding=1) for c in channels)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W)."""
        for conv in self.convs:
            x = F.relu(conv(x), inplace=True)
        return x


class HED(nn.Module):
    """The five convolutional stages of VGG16 (Simonyan & Zisserman 2015), a side output from each, and their fusion.

    Maps RGB (N, 3, H, W) in 0..255 to the probability of an edge (N, 1, H, W) in 0..1; any height and width. Differs
    from the authors' network: convolutions are padded by 1 throughout. Theirs pads the first by 35 and crops the side
    outputs by 34 to 42 pixels, an offset that its ports were often shifted by; here nothing is cropped, nothing shifts.

    Args:
        ceil_mode: Pool a last odd row or column on its own, as Caffe and TensorFlow do, instead of leaving it out. It
            belongs to the weights: the network was trained with one or the other.
    """

    mean_rgb: Tensor

    def __init__(self, *, ceil_mode: bool = True) -> None:
        super().__init__()
        self.ceil_mode = ceil_mode
        in_channels = (3, *WIDTHS[:-1])
        self.stages = nn.ModuleList(map(Stage, in_channels, WIDTHS, DEPTHS))
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in WIDTHS)
        self.fuse = nn.Conv2d(len(WIDTHS), 1, 1)
        self.register_buffer("mean_rgb", torch.zeros(1, 3, 1, 1))

    def logits(self, rgb: Tensor) -> Tensor:
        """Return the side outputs from fine to coarse, then the fused one: (N, 6, H, W)."""
        # the mean cannot move into the first bias: zero padding comes after the subtraction
        x = rgb - self.mean_rgb
        sides = []
        for i, (stage, side) in enumerate(zip(self.stages, self.sides, strict=True)):
            if i > 0:
                x = F.max_pool2d(x, 2, ceil_mode=self.ceil_mode)
            x = stage(x)  # (N, WIDTHS[i], H / 2**i, W / 2**i)
            sides.append(F.interpolate(side(x), size=rgb.shape[-2:], mode="bilinear", align_corners=False))
        outputs = torch.cat(sides, dim=1)
        return torch.cat([outputs, self.fuse(outputs)], dim=1)

    def forward(self, rgb: Tensor) -> Tensor:
        """Return the probability of an edge, (N, 1, H, W)."""
        return torch.sigmoid(self.logits(rgb)[:, -1:])


def edge_map(network: HED, rgb: NDArray[Any], border: int = 64, *, narrow: bool = False) -> NDArray[np.float32]:
    """Return the probability of an edge at every pixel of a photograph.

    The photograph is continued beyond its rim by reflection, so that the rim itself is no edge. At 256x256 a border of
    64 draws the lines of pix2pix's 128 (F1 .996 within one pixel, on six photographs) at 9/16 of the work.

    Args:
        network: In evaluation mode, on the CPU.
        rgb: (H, W, 3), 0..255, of any dtype.
        border: Pixels to continue by, a multiple of 16: the pooling grid repeats every 16 pixels, and a shift of the
            grid changes more lines than the border mends. Along an axis too short to be reflected so far, the border
            is the largest multiple of 16 that is below its length.
        narrow: Compute in bfloat16.

    Returns:
        (H, W) in 0..1.
    """
    height, width = rgb.shape[:2]
    y, x = (min(border, (side - 1) // GRID * GRID) for side in (height, width))
    photo = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32))[None]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        edges = network(F.pad(photo, (x, x, y, y), mode="reflect"))[0, 0].float()
    found: NDArray[np.float32] = edges[y : y + height, x : x + width].numpy()
    return found
