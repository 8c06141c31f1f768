"""Divides the batch of a step into portions that are computed one after another, as if it were computed at once."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor


class Portion(NamedTuple):
    """Some items of a step's batch."""

    given: dict[str, Any]
    """What the recipe's step is given of them, by name."""
    share: float
    """Their part of all items of the step, by which their losses, which are means over items, are weighed."""


def divided(batch: Mapping[str, Tensor], size: int) -> Iterator[tuple[dict[str, Tensor], float]]:
    """Yield as few portions of a batch as hold at most ``size`` items each, and the share of each.

    They differ by one item at most.

    Args:
        batch: Fields by name, (N, ...) each.
        size: Items that are computed at once.
    """
    items = len(next(iter(batch.values())))
    count = -(-items // size)
    if count == 1:
        yield dict(batch), 1.0
        return
    split = {name: values.tensor_split(count) for name, values in batch.items()}
    for portion in zip(*split.values(), strict=True):
        yield dict(zip(split, portion, strict=True)), len(portion[0]) / items
