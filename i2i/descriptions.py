"""What components say of themselves, taken from their docstrings."""

import inspect
import re
from typing import Any


def summary_of(cls: type[Any]) -> str:
    """The first paragraph of `description_of`, in one line; empty if a class says nothing."""
    return description_of(cls).partition("\n")[0]


def description_of(cls: type[Any]) -> str:
    """What a class says of itself, before its sections; not what its base class says."""
    text = inspect.cleandoc(cls.__doc__ or "")
    before = re.split(r"^(?:Args|Raises|Example|Examples|Returns):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    return "\n\n".join(_flow(paragraph) for paragraph in plain(before).strip().split("\n\n"))


def plain(text: str) -> str:
    """Text with code marked as in Markdown, not as in reStructuredText."""
    return text.replace("``", "`")


def _flow(paragraph: str) -> str:
    """Prose in one line, for the terminal to wrap; lists and tables as they stand."""
    return paragraph if re.search(r"^\W", paragraph, re.MULTILINE) else " ".join(paragraph.split())
