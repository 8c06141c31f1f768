"""CycleGAN: image-to-image translation without pairs, as a plugin.

Zhu, Park, Isola, Efros: *Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks*, ICCV 2017,
arXiv 1703.10593v7.
"""

from typing import Any

import i2i
from i2i.contracts import Recipe
from i2i_cyclegan.recipe import CycleGAN
from i2i_cyclegan.unpaired import Unpaired

__all__ = ["CycleGAN", "Unpaired"]


@i2i.hookimpl
def i2i_recipes() -> dict[str, type[Recipe]]:
    """Provide the method."""
    return {"cyclegan": CycleGAN}


@i2i.hookimpl
def i2i_datasets() -> dict[str, type[Any]]:
    """Provide the reader of images that are no pairs."""
    return {"unpaired": Unpaired}
