"""Regression: a generator that learns from losses of its output beside the target, and from nothing else.

Paper: Isola et al. 2017, arXiv 1611.07004v3, rows "L1" of tables 1 and 6: images come out blurred, class labels of
photos better than by adversarial losses. Own code.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from i2i.contracts import Generator, Image, Recipe, Update, Wire
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.parts import Losses


class Regression(Recipe):
    """A generator that learns from losses of its output beside the target (Isola et al. 2017, tables 1 and 6, "L1").

    What the target is decides the loss: images are compared by ``pixel_loss``; of class ids the generator makes logits,
    not held in [-1, 1], which ``class_loss`` compares with one-hot classes, and a translation is the likeliest class of
    each pixel. The part that is not for this target is left out.

    Raises:
        UsageError: If the loss that this target needs is an empty list.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "generator": "unet",
        "pixel_loss": "l1",
        "class_loss": "cross-entropy",
    }
    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        "small": {"generator": {"depth": 6, "base_channels": 32}, "optimizer": {"lr": 1e-3}},
    }

    def __init__(self, generator: Generator, pixel_loss: Losses | None, class_loss: Losses | None) -> None:
        super().__init__()
        self.generator, self.pixel_loss, self.class_loss = generator, pixel_loss, class_loss
        for name, loss in (("pixel_loss", pixel_loss), ("class_loss", class_loss)):
            if loss is not None and not loss.components:
                raise UsageError(f"there is no {name}, so there is nothing to learn from. Give one.")

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Wire the loss for what the target is; logits of class ids are not bounded."""
        source, target = fields["source"].channels, fields["target"].channels
        if fields["target"].kind == "ids":
            return {"generator": Wire(source, target, bounded=False), "class_loss": Wire()}
        return {"generator": Wire(source, target), "pixel_loss": Wire()}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        """Yield one step of the generator."""
        made = self.generator(source)
        losses: dict[str, Any] = {}
        if self.pixel_loss is not None:
            losses["pixel"] = self.pixel_loss(made, target)
        if self.class_loss is not None:
            losses["class"] = self.class_loss(made, target)
        yield Update("generator", losses)
