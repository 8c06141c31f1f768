"""What can go wrong between here and a server."""

from typing import ClassVar

from i2i.errors import DataError, I2iError, UsageError


class UnsafeUrlError(UsageError):
    """An address that i2i does not ask, whatever is there: another scheme, a private network, a malformed URL."""


class NetworkError(I2iError):
    """An answer that is of no use: too large, of the wrong checksum, refused by the server."""

    exit_code: ClassVar[int] = 69


class UnreachableError(NetworkError):
    """No answer, or one that was cut: asking again may help, and has been tried."""


class ArchiveError(DataError):
    """An archive that is damaged, or that would write where it should not."""
