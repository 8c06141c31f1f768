"""Divides the batch of a step into portions that are computed one after another, as if it were computed at once."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from i2i.system.rank import ALONE, Rank


class Portion(NamedTuple):
    """Some items of a step's batch."""

    given: dict[str, Any]
    """What the recipe's step is given of them, by name."""
    share: float
    """Their part of all items of the step, by which their losses, which are means over items, are weighed."""


def divided(
    batch: Mapping[str, Tensor], size: int, whole: int, rank: Rank = ALONE
) -> Iterator[tuple[dict[str, Tensor], float]]:
    """Yield as few portions of a batch as hold at most ``size`` items each, and the share of each.

    They differ by one item at most. Every process has as many, since they do all updates together: where there is no
    item for one of them, another stands in and has no share.

    Args:
        batch: Fields by name, (N, ...) each: the items of this process, as `i2i.data.loading.KeyedBatches` has them.
        size: Items that are computed at once.
        whole: Items of the step, over all processes.
        rank: Which of the processes this is.
    """
    own = len(range(rank.number, whole, rank.count))
    count = -(-whole // (size * rank.count))
    split = {name: values.tensor_split(count) for name, values in batch.items()}
    for portion in zip(*split.values(), strict=True):
        items = min(own, len(portion[0]))
        values = portion if items else [all_of[:1] for all_of in batch.values()]
        yield dict(zip(batch, values, strict=True)), items / whole
