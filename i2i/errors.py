"""What can go wrong without i2i being wrong: each is one clear line and an exit code (sysexits.h where it has one)."""

from typing import ClassVar


class I2iError(Exception):
    """Something that the person at the keyboard can mend; any other exception is a bug in i2i or in a plugin."""

    exit_code: ClassVar[int] = 2


class UsageError(I2iError, ValueError):
    """An option, a name or a combination that cannot work."""


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


class OutputError(I2iError, OSError):
    """A folder or a file that cannot be written."""

    exit_code = 73

    __str__ = Exception.__str__
