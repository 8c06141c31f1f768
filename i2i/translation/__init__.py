"""A model folder in, images out."""

from i2i.translation.translator import MANY, Translator

__all__ = ["MANY", "Translator"]
