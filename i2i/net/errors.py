"""What can go wrong between here and a server."""

from collections.abc import Mapping
from typing import ClassVar

from i2i.errors import DataError, I2iError, UsageError


class UnsafeUrlError(UsageError):
    """An address that i2i does not ask, whatever is there: another scheme, a private network, a malformed URL."""


class NetworkError(I2iError):
    """An answer that is of no use: too large, or refused by the server."""

    exit_code: ClassVar[int] = 69


class UnreachableError(NetworkError):
    """No answer, or one that was cut: asking again may help.

    Args:
        problem: What happened, a sentence without its full stop.
        remedy: What to do.
        headers: Of the answer, if there was one; see `i2i.net.retry.Retry.again`.
    """

    def __init__(
        self, problem: str, remedy: str = "Try again later.", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.headers = headers or {}


class ArchiveError(DataError):
    """An archive that is damaged, or that would write where it should not."""
