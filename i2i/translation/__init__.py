"""A model folder in, images out."""

from i2i.translation.translator import Translator

__all__ = ["Translator"]
