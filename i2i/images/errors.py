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
    "timed-out",
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


class Damage(ValueError):  # noqa: N818 - it says what is wrong with a file
    """Damage that we found ourselves, in words for the user."""


def damaged(where: str, error: BaseException, what: str) -> ImageError:
    """Return the one line about a file that made a decoder fail.

    Args:
        where: The file's name.
        error: What was raised. The words of libraries are for their developers, such as "(256)"; ours are kept.
        what: What failed, in words.
    """
    text = str(error).lower()
    if isinstance(error, MemoryError) or "too large" in text:
        return ImageError("too-large", f"{where} needs more memory than it may have. Make the image smaller.")
    if isinstance(error, EOFError) or any(word in text for word in ("truncated", "not enough image data")):
        return ImageError("truncated", f"{where} is cut off. Copy or download it again.")
    what = str(error) if isinstance(error, Damage) else what
    return ImageError("corrupt", f"{where} is damaged: {what}. Copy or download it again.")
