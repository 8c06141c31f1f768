"""Trains a recipe: the loop, checkpoints and exact resume, validation, the log."""

from i2i.training.reporting import Reporter
from i2i.training.run import resume, train
from i2i.training.stopping import InterruptedRunError
from i2i.training.trainer import Outcome

__all__ = ["InterruptedRunError", "Outcome", "Reporter", "resume", "train"]
