"""A network with everything around it: 8-bit pictures in, 8-bit pictures out, as translating does it."""

import torch
from torch import Tensor, nn

from i2i.fields import Field
from i2i.translation.predictor import classes


class Pictures(nn.Module):
    """Maps uint8 (N, H, W, C) to uint8 (N, H, W, C'), of any height and width from 2 on.

    Args:
        network: Maps float32 (N, C, H, W) to the same of C'.
        source: What it takes: an image, or class ids.
        made: What it makes.
        multiple: Heights and widths that the network takes are divisible by it.
    """

    def __init__(self, network: nn.Module, source: Field, made: Field, multiple: int) -> None:
        super().__init__()
        self.network, self._source, self._made, self._multiple = network, source, made, multiple

    def forward(self, pictures: Tensor) -> Tensor:
        """Translate."""
        height, width = pictures.shape[1:3]
        more = self._multiple - 1  # added, since not every runtime rounds down what is negative
        rows, columns = ((side + more) // self._multiple * self._multiple for side in (height, width))
        top, left = (rows - height) // 2, (columns - width) // 2
        x = self._seen(pictures.permute(0, 3, 1, 2))
        x = x.index_select(2, mirrored(height, top, rows)).index_select(3, mirrored(width, left, columns))
        made = self.network(x)[:, :, top : top + height, left : left + width]
        return self._pictures(made).to(torch.uint8).permute(0, 2, 3, 1)

    def _seen(self, values: Tensor) -> Tensor:
        """Return what the network sees of uint8 (N, C, H, W)."""
        if self._source.kind == "image":
            return values.float() * (2 / 255) - 1
        known = torch.arange(self._source.channels)[:, None, None]
        if self._source.void is not None:  # such a pixel has no class, whichever number it is
            known = torch.where(known == self._source.void, -1, known)
        return (values == known).float()

    def _pictures(self, made: Tensor) -> Tensor:
        if self._made.kind == "image":
            return torch.round((made.clamp(-1, 1) + 1) * 127.5)
        return classes(made, self._made)[:, None]


def mirrored(length: int, before: int, total: int) -> Tensor:
    """Return which of the pixels of an axis are where it is mirrored outwards; see `i2i.translation.padding`.

    Args:
        length: Of the axis.
        before: Pixels that are added at its beginning.
        total: Pixels with all that are added.
    """
    places = torch.arange(total)
    # tensors, since what reads the file may not take a remainder by a size that it does not know
    period = (places * 0 + (2 * length - 2)).clamp(min=1)
    place = torch.remainder(places - before, period)
    return torch.where(place < length, place, period - place)
