"""What sources look like: preparers know, models remember it, and inputs that look otherwise are brought there.

Free of torch.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from i2i.pairs import Pixels


class Fitted(NamedTuple):
    """An image that was compared with what sources look like, and brought there."""

    pixels: Pixels
    """As it was, the very array, where it looks like them, or cannot be brought there."""
    far: tuple[str, ...] = ()
    """In what it looked otherwise, in words; nothing where it looks like them."""
    done: tuple[str, ...] = ()
    """What was done to it, in words; nothing where it cannot be brought there."""


class Look(Protocol):
    """``__init__(size, *, options)``; what sources look like, to networks that see them at a height and width.

    The options are what was measured of them. They are kept in the model, which may come from anywhere: they are plain
    data, with types and limits.
    """

    @classmethod
    def measure(cls, images: Sequence[Pixels]) -> Mapping[str, Any] | None:
        """Return the options that describe these images; None where they are not what the class knows."""
        ...

    def fit(self, image: Pixels) -> Fitted:
        """Compare an image of any size, channels and dtype with the sources, and bring it there.

        What is within their range stays as it is, to the bit; so what was fitted stays so when it is fitted again.
        """
        ...


def look_of(preparer: type[Any]) -> type[Look] | None:
    """Return what knows how the sources of a preparer look, if anything does; see `i2i.pairs.Preparer`."""
    return getattr(preparer, "look", None)
