"""What a network of the kind ``velocity`` must be."""

from typing import Protocol

from torch import Tensor

from i2i.contracts import contract


@contract("velocity")
class Velocity(Protocol):
    """``__init__(in_channels, out_channels, *, options)``: channels of the source, and of the target.

    One that only takes sizes divisible by some number says so in an attribute ``size_multiple``, as generators do.
    """

    def __call__(self, place: Tensor, time: Tensor, source: Tensor, /) -> Tensor:
        """Return where to, and how fast, a place moves.

        Args:
            place: Where each image is on its way, (N, out_channels, H, W), of any values.
            time: How much of the way is done, (N,), from 0 to 1.
            source: What to make a target of, (N, in_channels, H, W).

        Returns:
            The change of the place in a unit of time, (N, out_channels, H, W), of any values.
        """
        ...
