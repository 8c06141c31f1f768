"""Why an image cannot be used."""

from typing import Literal

from i2i.errors import DataError

Reason = Literal[
    "blank",
    "corrupt",
    "empty",
    "needs-package",
    "not-a-file",
    "not-an-image",
    "out-of-range",
    "too-large",
    "too-small",
    "truncated",
    "unreadable",
    "unsupported",
]


class ImageError(DataError):
    """An image that cannot be read, or written as asked.

    Args:
        reason: A short code, by which reports count.
        message: One line: the file, what is wrong with it, what to do.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Reason, str]]:
        return type(self), (self.reason, str(self))
