"""What can go wrong without i2i being wrong: each is one clear line and an exit code (sysexits.h where it has one)."""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class I2iError(Exception):
    """Something that the person at the keyboard can mend; any other exception is a bug in i2i or in a plugin."""

    exit_code: ClassVar[int] = 2

    is_of_one_process: bool = False
    """Whether one of several processes that train together came to it, which then says so, whichever it is."""


class UsageError(I2iError, ValueError):
    """An option, a name or a combination that cannot work."""


class ContractError(UsageError):
    """A component that does not do what its contract says."""


class UnknownNameError(I2iError, LookupError):
    """A name that no installed plugin provides."""

    __str__ = Exception.__str__


class DataError(I2iError, ValueError):
    """Images or folders that are not what they should be."""

    exit_code = 65


class MissingInputError(I2iError, FileNotFoundError):
    """An input that is not there."""

    exit_code = 66

    __str__ = Exception.__str__


class MissingSplitError(MissingInputError):
    """A dataset without a split of that name."""


class ResourceError(I2iError):
    """The machine has too little of something, memory above all."""

    exit_code = 71


class OutputError(I2iError, OSError):
    """A folder or a file that cannot be written."""

    exit_code = 73

    __str__ = Exception.__str__


class DiskFullError(OutputError):
    """There is no room left on a disk.

    Args:
        lack: What there is no room for.
        remedy: What to do once there is room.
    """

    def __init__(self, lack: str, remedy: str = "run the same command again.") -> None:
        Exception.__init__(self, lack, remedy)  # not that of OSError, which would take them for number and reason
        self.lack = lack

    def __str__(self) -> str:
        lack, remedy = self.args
        return f"The disk is full: {lack}. Make room and {remedy}"


class RankGoneError(I2iError):
    """Another process of the run has died, or its machine cannot be reached."""

    exit_code = 76


class ElsewhereError(I2iError):
    """Another process of the run has come to an error, and says it.

    Args:
        exit_code: Of that error.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__("Another process of the run has come to an error.")
        self.exit_code = exit_code  # type: ignore[misc]


def things(count: int, one: str, several: str = "") -> str:
    """Return how many there are, in words.

    Example:
        >>> things(1, "image"), things(1200, "image"), things(2, "entry", "entries")
        ('1 image', '1,200 images', '2 entries')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` where some known name is near, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
