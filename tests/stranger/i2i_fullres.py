import torch
from torch import Tensor, nn

import i2i


class FullRes(nn.Module):
    """Residual blocks at full resolution (Johnson et al. 2016).

    Args:
        blocks: Number of residual blocks.
        base_channels: Channels inside the network.
    """

    def __init__(self, in_channels: int, out_channels: int, *, blocks: int = 3, base_channels: int = 16) -> None:
        super().__init__()
        self.enter = nn.Conv2d(in_channels, base_channels, 7, padding=3)
        self.blocks = nn.ModuleList(nn.Conv2d(base_channels, base_channels, 3, padding=1) for _ in range(blocks))
        self.leave = nn.Conv2d(base_channels, out_channels, 7, padding=3)

    def forward(self, source: Tensor) -> Tensor:
        x = self.enter(source)
        for block in self.blocks:
            x = x + torch.relu(block(x))
        return torch.tanh(self.leave(x))


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    return {"fullres": FullRes}
