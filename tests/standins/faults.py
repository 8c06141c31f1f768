"""What goes wrong on a stand-in hub."""

import re
from collections.abc import Callable
from dataclasses import dataclass
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
