"""How fast a run goes, and how long it will still take, also in words."""

import time
from collections import deque
from collections.abc import Callable

RECENT = 60.0  # seconds whose steps tell the rate


class Pace:
    """How fast steps are made, and when the last one will be.

    Args:
        now: A clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def advance(self, step: int) -> None:
        """Note that a step was made just now."""
        point = self._now(), step
        self._first = self._first or point  # the first step also warms up
        self._seen.append(point)
        while len(self._seen) > 2 and point[0] - self._seen[1][0] > RECENT:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Return steps a second, of the last minute; 0 while nothing is known."""
        return _rate(self._seen[0], self._seen[-1]) if self._seen else 0.0

    def left(self, total: int) -> float | None:
        """Return seconds until a step, at the pace so far with all that comes between steps; None if not known."""
        if self._first is None or not (rate := _rate(self._first, self._seen[-1])):
            return None
        moment, step = self._seen[-1]
        return max((total - step) / rate - (self._now() - moment), 0.0)


def rate_in_words(rate: float) -> str:
    """Say how fast steps are made.

    Example:
        >>> rate_in_words(12.34), rate_in_words(0.4)
        ('12.3/s', '2.5 s a step')
    """
    return f"{rate:.3g}/s" if rate >= 1 else f"{1 / rate:.3g} s a step"


def time_in_words(seconds: float) -> str:
    """Say a length of time by its two largest units.

    Example:
        >>> [time_in_words(seconds) for seconds in (8, 100, 9300, 200000)]
        ['8 s', '1 min 40 s', '2 h 35 min', '2 d 7 h']
    """
    rest, parts = round(seconds), []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        parts.append(f"{count} {unit}" if count else "")
    first = next((place for place, part in enumerate(parts) if part), len(parts) - 1)
    return " ".join(part for part in parts[first : first + 2] if part) or "0 s"


def _rate(first: tuple[float, int], last: tuple[float, int]) -> float:
    return (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0.0
