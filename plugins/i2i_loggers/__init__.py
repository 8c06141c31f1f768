"""Loggers, as a plugin: who hears how a run goes, whatever is trained."""

import i2i
from i2i_loggers.report import Report
from i2i_loggers.tensorboard import TensorBoard

__all__ = ["Report", "TensorBoard"]


@i2i.hookimpl
def i2i_loggers() -> dict[str, type]:
    """Provide loggers."""
    return {"report": Report, "tensorboard": TensorBoard}
