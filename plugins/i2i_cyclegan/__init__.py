"""CycleGAN's material: images of two kinds that are no pairs, as a plugin."""

from typing import Any

import i2i
from i2i_cyclegan.unpaired import Unpaired

__all__ = ["Unpaired"]


@i2i.hookimpl
def i2i_datasets() -> dict[str, type[Any]]:
    """Provide the reader of images that are no pairs."""
    return {"unpaired": Unpaired}
