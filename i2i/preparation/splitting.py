"""Which pairs are for training, validation and test."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from math import floor

from i2i.errors import UsageError
from i2i.pairs import Split


def check_shares(val: float, test: float) -> None:
    """Refuse shares that leave nothing to train on.

    Raises:
        UsageError: If a share is negative, or both together reach 1.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise UsageError(
            f"val {val:g} and test {test:g} leave nothing to train on. Give shares that add up to less than 1."
        )


def assign(pairs: Mapping[str, str], val: float, test: float, seed: int) -> dict[str, Split]:
    """The split of every pair: a function of seed, names and shares alone.

    Names are shuffled by a hash; the first go to validation, the next to test, as many as the shares say to the pair. A
    share above zero gets at least one pair, as long as one is left for training. Pairs whose source is the same stay
    together; a group that does not fit into what is left of a share is for training.

    Args:
        pairs: Name -> checksum of the source.
        val: Share of validation.
        test: Share of test.
        seed: Another seed, another shuffle.

    Returns:
        Name -> split.
    """
    groups = defaultdict(list)
    for name in sorted(pairs, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        groups[pairs[name]].append(name)
    left = _quotas(len(pairs), val, test)
    splits: dict[str, Split] = {}
    for names in groups.values():
        split: Split = next((split for split, quota in left.items() if len(names) <= quota), "train")
        left[split] -= len(names)
        splits |= dict.fromkeys(names, split)
    return splits


def _quotas(pairs: int, val: float, test: float) -> dict[Split, int]:
    counts = [max(floor(pairs * share + 0.5), share > 0) for share in (val, test)]
    in_val = min(counts[0], max(pairs - 1, 0))
    return {"val": in_val, "test": min(counts[1], max(pairs - in_val - 1, 0)), "train": pairs}
