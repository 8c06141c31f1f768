"""What goes wrong on a stand-in hub."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = int | Literal["reset", "hang", "cut", "flip", "etag"] | Callable[[], object]


@dataclass
class Fault:
    """What goes wrong, and with which requests.

    A number: that status instead of an answer. ``reset``: the connection is closed at once. ``hang``: closed after four
    seconds of silence. ``cut``: half of the body. ``flip``: one bit of the body is another. ``etag``: a checksum in the
    headers is another. A function: what somebody else does just before the request.
    """

    kind: Kind
    method: str = ""
    """Of which method; of all when empty."""
    path: str = ""
    """A regular expression that is found in the path."""
    times: int = 1
    effect: float | None = None
    """Seconds after which a request without an answer takes effect nevertheless; None: it never does."""
    says: str = "out of order"
    """The Hub's words beside a status."""

    def takes(self, method: str, path: str) -> bool:
        """Whether it happens now; counts itself down."""
        if self.times <= 0 or self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.times -= 1
        return True

    @property
    def answers(self) -> bool:
        """Whether there is an answer, though perhaps a wrong one."""
        return callable(self.kind) or self.kind in ("cut", "flip", "etag")


PUSH = [
    ("GET", "/whoami-v2"),
    ("GET", "/api/(models|datasets)/[^/]+/[^/]+$"),
    ("GET", "/auth-check"),
    ("GET", "/tree/"),
    ("GET", "/resolve/"),
    ("POST", "/validate-yaml"),
    ("POST", "/repos/create"),
    ("POST", "/preupload/"),
    ("POST", "/objects/batch"),
    ("PUT", "/lfs/"),
    ("POST", "/commit/"),
    ("POST", "/commit/"),  # where most depends on it
    ("POST", "/commit/"),
    ("", ""),
]
PULL = [
    ("GET", "/revision/"),
    ("GET", "/tree/"),
    ("HEAD", "/resolve/"),
    ("GET", "/resolve/"),
    ("GET", "/lfs/"),
    ("", ""),
]
"""Method and path of the requests of each command."""


def sequence(random: Random, requests: list[tuple[str, str]]) -> list[Fault]:
    """Some faults, one after another: most pass, some stay."""
    return [_fault(random, *random.choice(requests)) for _ in range(random.randint(1, 5))]


def _fault(random: Random, method: str, path: str) -> Fault:
    kinds: list[Kind] = [503, 503, 429, 500, 504, "reset", "reset", "cut", "flip", "etag"]
    kind = random.choice(kinds) if random.random() < 0.95 else "hang"
    times = random.choice([1, 1, 1, 2, 3, 99]) if kind != "hang" else 1
    effect = random.choice([None, 0.0, 0.0, 0.02, 0.2]) if method in ("POST", "PUT") else None
    return Fault(kind, method, path, times, effect)
