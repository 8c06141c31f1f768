"""The ``i2i`` command."""

from i2i.cli.app import main

__all__ = ["main"]
