"""A preparer of a test that knows what its sources look like."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import i2i
from i2i.kinds import COMMANDS
from i2i.plugins import installed

NAME = "lamps"


@contextmanager
def lamps(look: type[Any]) -> Iterator[None]:
    """Install a preparer of this look for a while.

    Args:
        look: An `i2i.looks.Look`.
    """
    preparer = type("Lamps", (), {"look": look})

    class Plugin:
        @i2i.hookimpl
        def i2i_preparers(self) -> dict[str, type[Any]]:
            return {NAME: preparer}

    plugin = Plugin()
    installed(COMMANDS).register(plugin, NAME, f"i2i-{NAME}", "1.0")
    try:
        yield
    finally:
        installed(COMMANDS).manager.unregister(plugin)
