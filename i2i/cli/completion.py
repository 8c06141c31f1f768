"""Completes names in the shell: recipes, components, settings."""

from collections.abc import Callable
from contextlib import suppress

from i2i.cli.inventory import inventory
from i2i.errors import I2iError


def completer(*topics: str) -> Callable[[str], list[str]]:
    """Return what completes an argument, for typer's ``autocompletion``.

    Args:
        topics: Keys of `i2i.cli.inventory.Words`, such as ``recipe`` or ``--set``.
    """

    def complete(incomplete: str) -> list[str]:
        with suppress(I2iError, OSError):
            found = inventory().words
            return [word for topic in topics for word in found[topic] if word.startswith(incomplete)]
        return []

    return complete
