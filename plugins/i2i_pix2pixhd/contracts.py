"""What a local enhancer is, and what it asks of the generator whose size it doubles."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from i2i.contracts import Generator, contract


@runtime_checkable
class FeatureGenerator(Generator, Protocol):
    """A generator that also gives the last feature map before its output, of the source's height and width."""

    feature_channels: int
    """Of the feature map."""

    def features(self, source: Tensor, /) -> Tensor:
        """Return the feature map of a source, (N, feature_channels, H, W)."""
        ...


@contract("enhancer")
class Enhancer(Protocol):
    """``__init__(in_channels, out_channels, generator, *, options)``; doubles the size of what a generator makes.

    Of the generator it learns what it has to know, such as ``feature_channels``, and keeps nothing. Its attribute
    ``size_multiple`` is of the source that it takes: twice the generator's.
    """

    def __call__(self, source: Tensor, features: Tensor, /) -> Tensor:
        """Return the fake of a source, (N, out_channels, H, W) in [-1, 1].

        Args:
            source: (N, in_channels, H, W).
            features: What the generator sees in the source at half its size, (N, feature_channels, H / 2, W / 2).
        """
        ...
