"""Trains a recipe: the loop, checkpoints and exact resume, validation, the log."""

from i2i.training.trainer import Interrupted, Outcome, Reporter, resume, train

__all__ = ["Interrupted", "Outcome", "Reporter", "resume", "train"]
