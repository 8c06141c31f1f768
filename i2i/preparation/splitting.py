"""Which pairs are for training, validation and test, and the fingerprints by which copies stay together."""

import hashlib
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor
from typing import Literal, NamedTuple

import numpy as np

from i2i.errors import UsageError
from i2i.images.colour import shows_something
from i2i.images.near_copies import MINIATURE, Miniatures, alike_groups, hashes_of, miniature, telling
from i2i.pairs import Pixels
from i2i.preparation.report import Row
from i2i.splits import HELD_OUT, Split, drawn, safest

Rule = Literal["count", "hash"]
"""``count``: as many pairs as the shares say. ``hash``: each pair by its own hash, whatever others there are."""


def likeness_of(images: Sequence[Pixels]) -> tuple[str, ...]:
    """Return miniatures of images in Base64, all different, of those that show enough to be known by.

    Args:
        images: (H, W, C) each, of any dtype.
    """
    miniatures = [miniature(pixels) for pixels in images]
    return tuple(dict.fromkeys(b64encode(one.tobytes()).decode() for one in miniatures if telling(one[None])[0]))


def contents_of(files: Sequence[str], read: Sequence[Pixels], made: Sequence[Pixels]) -> tuple[str, ...]:
    """Return checksums of what a pair consists of; none of images of one colour, unless there are no others.

    Args:
        files: SHA-256 of the files that were read.
        read: Their images.
        made: The images that were made.

    Returns:
        The first 32 hexadecimal digits of SHA-256 sums, all different, of the source first; at least one.
    """
    sums = [_digest(pixels) for pixels in made]
    shown = [file for file, pixels in zip(files, read, strict=True) if shows_something(pixels)]
    shown += [text for text, pixels in zip(sums, made, strict=True) if shows_something(pixels)]
    whole = hashlib.sha256(" ".join([*files, *sums]).encode()).hexdigest()
    return tuple(dict.fromkeys(text[:32] for text in shown or [whole]))


def _digest(pixels: Pixels) -> str:
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


class Member(NamedTuple):
    """What decides about the split of a pair."""

    name: str
    contents: tuple[str, ...]
    """Checksums of its images, of the source first; at least one."""
    likeness: tuple[bytes, ...] = ()
    """Miniatures of its images, of the source first, 256 bytes each; see `i2i.images.near_copies`."""
    group: str = ""
    forced: Split | None = None
    """Where it must go."""

    def marks(self, looks: Mapping[bytes, int]) -> Iterator[str]:
        """Yield what it may have in common with others, which then go where it goes.

        Args:
            looks: Miniature -> number of the pictures that look the same, where there are others.
        """
        yield from (f"content {content}" for content in self.contents)
        yield from (f"look {looks[likeness]}" for likeness in self.likeness if likeness in looks)
        if self.group:
            yield f"group {self.group}"


def member_of(row: Row) -> Member:
    """Return what decides about the split of a pair that was made."""
    return Member(row.name, row.contents, tuple(map(b64decode, row.likeness)), row.group, row.split)


def looks_of(members: Iterable[Member]) -> dict[bytes, int]:
    """Return miniature -> number of the pictures that look the same, of those that others look like."""
    counts = Counter(likeness for member in members for likeness in member.likeness)
    distinct = sorted(counts)
    groups = alike_groups(_stacked(distinct))
    looks = {distinct[place]: number for number, group in enumerate(groups) for place in group}
    for number, likeness in enumerate(distinct, len(groups)):
        if counts[likeness] > 1:
            looks.setdefault(likeness, number)
    return looks


def _stacked(likenesses: Sequence[bytes]) -> Miniatures:
    return np.frombuffer(b"".join(likenesses), np.uint8).reshape(-1, MINIATURE, MINIATURE)


def check_shares(val: float, test: float) -> None:
    """Refuse shares that leave nothing to train on.

    Raises:
        UsageError: If a share is negative, or both together reach 1.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise UsageError(
            f"val {val:g} and test {test:g} leave nothing to train on. Give shares that add up to less than 1."
        )


def assign(members: Sequence[Member], val: float, test: float, seed: int, rule: Rule = "count") -> dict[str, Split]:
    """Return the split of every pair: a function of seed, shares and pairs alone, not of their order.

    Pairs that have an image in common, or images that look the same, or the same group stay together. Those that must
    go somewhere go there, whatever else is like them; others that are together with them follow.

    With ``count``, pairs are shuffled by a hash of their names; the first go to validation, the next to test, as many
    as the shares say to the pair. A share above zero gets at least one pair, as long as one is left for training. What
    does not fit into what is left of a share is for training; if nothing fits, the share gets the smallest of what
    stays together, as long as something else is left for training. With ``hash``, a hash of what pairs have in common,
    or of their source, decides, so that more pairs change nothing about the old ones unless they link some that have
    different sources.

    Args:
        members: What decides about each pair; names are all different.
        val: Share of validation.
        test: Share of test.
        seed: Another seed, another shuffle.
        rule: How shares are kept.

    Returns:
        Name -> split.
    """
    splits = {member.name: member.forced for member in members if member.forced is not None}
    free = []
    for block in _blocks(members):
        forced = {member.forced for member in block if member.forced is not None}
        names = [member.name for member in block if member.forced is None]
        if forced:
            splits |= dict.fromkeys(names, safest(forced))
        elif names:
            free.append((_key(block) if rule == "hash" else "", names))
    if rule == "hash":
        chosen = {key: _by_hash(key, val, test, seed) for key, _ in free}
        return splits | {name: chosen[key] for key, names in free for name in names}
    return splits | _by_count([names for _, names in free], len(members), Counter(splits.values()), val, test, seed)


def _blocks(members: Sequence[Member]) -> list[list[Member]]:
    """Group pairs that must not be parted (union-find over their marks)."""
    looks = looks_of(members)
    parents: dict[str, str] = {}

    def root(mark: str) -> str:
        while (parent := parents.setdefault(mark, mark)) != mark:
            parents[mark] = mark = parents[parent]
        return mark

    for member in members:
        first, *others = member.marks(looks)
        for mark in others:
            parents[root(mark)] = root(first)
    blocks = defaultdict(list)
    for member in members:
        blocks[root(next(member.marks(looks)))].append(member)
    return list(blocks.values())


def _key(block: Sequence[Member]) -> str:
    """Return what a block's hash is of: its members' strongest mark, the first in the alphabet where they differ."""
    return min(f"group {member.group}" if member.group else _look(member) for member in block)


def _look(member: Member) -> str:
    """Return what is mostly the same for copies that never met, such as those in datasets divided one after another."""
    hashes = hashes_of(_stacked(member.likeness[:1]))
    return f"likeness {int(hashes[0]):016x}" if len(hashes) else f"content {member.contents[0]}"


def _by_hash(key: str, val: float, test: float, seed: int) -> Split:
    place = drawn(f"{seed}:{key}")
    return "val" if place < val else "test" if place < val + test else "train"


def _by_count(
    blocks: Sequence[list[str]], pairs: int, taken: Counter[Split], val: float, test: float, seed: int
) -> dict[str, Split]:
    shuffled = [sorted((drawn(f"{seed}:{name}"), name) for name in names) for names in blocks]
    quotas = _quotas(pairs, val, test)
    left = {split: quota - taken[split] for split, quota in quotas.items()}
    placed: dict[Split, list[list[tuple[float, str]]]] = {split: [] for split in quotas}
    for block in sorted(shuffled):
        split: Split = next((split for split, quota in left.items() if len(block) <= quota), "train")
        left[split] -= len(block)
        placed[split].append(block)
    for split in HELD_OUT:
        empty = quotas[split] and not (placed[split] or taken[split])
        if empty and len(placed["train"]) + bool(taken["train"]) > 1 and placed["train"]:
            smallest = min(placed["train"], key=len)
            placed["train"].remove(smallest)
            placed[split].append(smallest)
    return {name: split for split, blocks_of in placed.items() for block in blocks_of for _, name in block}


def _quotas(pairs: int, val: float, test: float) -> dict[Split, int]:
    counts = [max(floor(pairs * share + 0.5), share > 0) for share in (val, test)]
    in_val = min(counts[0], max(pairs - 1, 0))
    return {"val": in_val, "test": min(counts[1], max(pairs - in_val - 1, 0)), "train": pairs}
