"""The shard, the unit of work: some tasks that one process does and finishes, whichever process that is."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from i2i.preparation.tasks import Task

SHARD_SIZE = 256
"""Tasks of a shard: seconds of resizing, minutes of edge detection."""


class Shard(NamedTuple):
    """A run of tasks in the order of their names."""

    identity: str
    """Its number and a checksum of what it is about: equal in every process that finds the same inputs."""
    tasks: Sequence[Task]


def cut(tasks: Sequence[Task], size: int = SHARD_SIZE) -> list[Shard]:
    """All shards: a function of the tasks alone."""
    shards = []
    for number, start in enumerate(range(0, len(tasks), size)):
        members = tasks[start : start + size]
        digest = hashlib.sha256("\n".join(f"{task.name}\t{task.stem}" for task in members).encode()).hexdigest()
        shards.append(Shard(f"{number:06}-{digest[:12]}", members))
    return shards


def share(shards: Sequence[Shard], rank: int, world_size: int) -> list[Shard]:
    """Every ``world_size``-th shard, from number ``rank`` on."""
    return list(shards[rank::world_size])
