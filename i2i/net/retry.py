"""Retry what may pass: after as long as a server asks (RFC 9110, section 10.2.3), else after 1, 2, 4, ... seconds."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of a server that may give another answer later."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retry:
    """How often something is tried, and how long a pause may be.

    Args:
        tries: How often it is tried in all.
        patience: Longest pause, seconds; a server that asks for a longer one is not asked again.
        sleep: Waits, seconds.
        now: Seconds since 1970, to understand a server that names a time.
    """

    tries: int = 5
    patience: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def again(self, tried: int, problem: object, headers: Mapping[str, str] | None = None) -> bool:
        """Wait before the next try, and tell the user why.

        Args:
            tried: How many tries there were.
            problem: What went wrong, a sentence without its full stop.
            headers: Of the server's answer, if it gave one; names in any case if the mapping allows that, else lower.

        Returns:
            False, at once, if that was the last try, or the server wants more patience than there is.
        """
        asked = retry_after(headers or {}, self.now())
        if tried >= self.tries or (asked or 0) > self.patience:
            return False
        seconds = min(2.0 ** (tried - 1), self.patience) if asked is None else asked
        _log.warning("%s. Trying again in %.0f s (%d of %d).", problem, seconds, tried + 1, self.tries)
        self.sleep(seconds)
        return True


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a server asks to wait, None where it does not.

    Args:
        headers: Of its answer; see `Retry.again`.
        now: Seconds since 1970.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = seconds_of(text)
    return None if moment is None else max(0.0, moment - now)


def seconds_of(date: str) -> float | None:
    """Return a date of a header (RFC 9110, section 5.6.7) in seconds since 1970; None if it is none."""
    with suppress(ValueError):
        moment = parsedate_to_datetime(date)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return None
