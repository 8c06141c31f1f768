"""The method of pix2pix.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 3. Original code: github.com/phillipi/pix2pix (BSD 2-clause);
this is our own.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from i2i.contracts import AdversarialLoss, Batch, Discriminator, Generator, Loss, Recipe, Update
from i2i.errors import UsageError


class Pix2Pix(Recipe):
    """Conditional adversarial loss plus a weighted pixel loss (Isola et al. 2017, section 3).

    G* = arg min_G max_D gan_weight · L_cGAN(G, D) + pixel_weight · L_L1(G): one discriminator step, then one generator
    step. The rows of the paper's table 1, by option:

    - L1: ``gan_weight=0``
    - GAN: ``conditional=false``, ``pixel_weight=0``
    - cGAN: ``pixel_weight=0``
    - L1+GAN: ``conditional=false``
    - L1+cGAN: as it stands

    Args:
        conditional: Whether the discriminator sees the source beside the image that it judges.
        gan_weight: Weight of the adversarial loss in the generator's step; 0 trains without a discriminator.
        pixel_weight: Weight of the pixel loss, the paper's λ; 0 trains without it.

    Raises:
        UsageError: If both weights are 0.
    """

    defaults: ClassVar[Mapping[str, str]] = {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss": "l1",
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]},
        "inference": {"mode": "paper"},
    }

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator | None,
        gan_loss: AdversarialLoss | None,
        pixel_loss: Loss | None,
        *,
        conditional: bool = True,
        gan_weight: Annotated[float, Field(ge=0)] = 1.0,
        pixel_weight: Annotated[float, Field(ge=0)] = 100.0,
    ) -> None:
        super().__init__()
        if gan_weight == 0 and pixel_weight == 0:
            raise UsageError("gan_weight and pixel_weight are both 0, so there is nothing to learn from. Raise one.")
        self.generator = generator
        self.discriminator = discriminator
        self.gan_loss = gan_loss
        self.pixel_loss = pixel_loss
        self.conditional = conditional
        self.gan_weight = gan_weight
        self.pixel_weight = pixel_weight

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        """Wire the parts of the terms whose weight is not 0; only a conditional discriminator sees the source."""
        parts: dict[str, tuple[int, ...]] = {"generator": (source, target)}
        if options["gan_weight"]:
            parts["discriminator"] = (source + target,) if options["conditional"] else (target,)
            parts["gan_loss"] = ()
        if options["pixel_weight"]:
            parts["pixel_loss"] = ()
        return parts

    def step(self, batch: Batch) -> Iterator[Update]:
        """Yield one step of the discriminator, then one of the generator."""
        source, target = batch
        fake = self.generator(source)
        losses: dict[str, Tensor] = {}
        if self.discriminator is not None and self.gan_loss is not None:
            real_logits = self.discriminator(self.seen(source, target))
            fake_logits = self.discriminator(self.seen(source, fake.detach()))
            yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_logits, fake_logits)})
            fake_logits = self.discriminator(self.seen(source, fake))  # through the updated discriminator
            losses["gan"] = self.gan_weight * self.gan_loss.generator_loss(fake_logits)
        if self.pixel_loss is not None:
            losses["pixel"] = self.pixel_weight * self.pixel_loss(fake, target)
        yield Update("generator", losses)

    def seen(self, source: Tensor, image: Tensor) -> Tensor:
        """Return what the discriminator sees of an image: the source before it on channels, or the image alone."""
        return torch.cat([source, image], dim=1) if self.conditional else image
