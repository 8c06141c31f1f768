"""The method of pix2pix.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 3. Original code: github.com/phillipi/pix2pix (BSD 2-clause);
this is our own.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from i2i.contracts import Clock, Discriminator, Generator, Image, Recipe, Update, Wire
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.parts import Adversarial, Losses, Penalties


class Pix2Pix(Recipe):
    """Conditional adversarial loss plus weighted pixel losses (Isola et al. 2017, section 3).

    G* = arg min_G max_D gan_weight · L_cGAN(G, D) + λ · L_L1(G): one discriminator step, then one generator step. λ is
    ``pixel_loss.weight``. The rows of the paper's table 1, by setting:

    - L1: ``recipe.gan_weight=0``
    - GAN: ``recipe.conditional=false``, ``--use pixel_loss=none``
    - cGAN: ``--use pixel_loss=none``
    - L1+GAN: ``recipe.conditional=false``
    - L1+cGAN: as it stands

    Args:
        conditional: Whether the discriminator sees the source beside the image that it judges.
        gan_weight: Weight of the adversarial loss in the generator's step; 0 trains without a discriminator.

    Raises:
        UsageError: If there is neither an adversarial nor a pixel loss.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss": {"name": "l1", "weight": 100},
        "penalties": [],
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]},
        "inference": {"mode": "paper"},
    }
    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        # half the size and half the width, and a learning rate for a run a hundred times as short
        "small": {
            "generator": {"depth": 6, "base_channels": 32},
            "discriminator": {"base_channels": 32},
            "optimizer": {"lr": 1e-3},
            "inference": {"mode": "running"},  # the paper's goes with batches of one
        },
        "fast": {"optimizer": {"lr": 5e-4}, "inference": {"mode": "running"}},
    }
    renamed: ClassVar[Mapping[str, str]] = {"pixel_weight": "pixel_loss.weight"}

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator | None,
        gan_loss: Adversarial | None,
        pixel_loss: Losses,
        penalties: Penalties,
        *,
        conditional: bool = True,
        gan_weight: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        super().__init__()
        if gan_weight == 0 and not pixel_loss.components:
            raise UsageError("gan_weight is 0 and there is no pixel_loss, so there is nothing to learn from. Give one.")
        self.generator = generator
        self.discriminator = discriminator
        self.gan_loss = gan_loss
        self.pixel_loss = pixel_loss
        self.penalties = penalties
        self.conditional = conditional
        self.gan_weight = gan_weight

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Wire a discriminator only where its loss has a weight; only a conditional one sees the source."""
        source, target = fields["source"].channels, fields["target"].channels
        parts = {"generator": Wire(source, target), "pixel_loss": Wire(), "penalties": Wire()}
        if options["gan_weight"]:
            parts["discriminator"] = Wire(source + target if options["conditional"] else target)
            parts["gan_loss"] = Wire()
        return parts

    def step(self, source: Image, target: Image, clock: Clock) -> Iterator[Update]:
        """Yield one step of the discriminator, then one of the generator."""
        fake = self.generator(source)
        losses: dict[str, Any] = {"pixel": self.pixel_loss(fake, target)}
        if self.discriminator is not None and self.gan_loss is not None:
            real_pair, fake_pair = self.seen(source, target), self.seen(source, fake)
            real_logits, fake_logits = self.discriminator(real_pair), self.discriminator(fake_pair.detach())
            judged = {"gan": self.gan_loss.discriminator_loss(real_logits, fake_logits)}
            yield Update("discriminator", judged | self.penalties(self.discriminator, real_pair, fake_pair, clock))
            fake_logits = self.discriminator(fake_pair)  # through the updated discriminator
            losses["gan"] = self.gan_weight * self.gan_loss.generator_loss(fake_logits, real_logits)
        yield Update("generator", losses)

    def seen(self, source: Tensor, image: Tensor) -> Tensor:
        """Return what the discriminator sees of an image: the source before it on channels, or the image alone."""
        return torch.cat([source, image], dim=1) if self.conditional else image
