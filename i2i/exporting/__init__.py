"""Write a trained model for other runtimes, and hold what was written against it."""

from i2i.exporting.command import Exported, export

__all__ = ["Exported", "export"]
