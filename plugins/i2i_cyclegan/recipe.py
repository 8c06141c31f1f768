"""The method of CycleGAN.

Paper: Zhu et al. 2017, arXiv 1703.10593v7, sections 3, 4 and 5.2. Original code:
github.com/junyanz/pytorch-CycleGAN-and-pix2pix (BSD 2-clause); this is our own.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor

from i2i.contracts import Discriminator, Generator, Image, Recipe, Update, Wire, translate
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.parts import Adversarial, Losses
from i2i_cyclegan.pool import ImagePool


def translate_back(generator_back: Generator, target: Image) -> Tensor:
    """Return the source that the other generator makes of a target."""
    return generator_back(target)


class CycleGAN(Recipe):
    """Two generators that undo each other, each against a discriminator of its own (Zhu et al. 2017, section 3).

    G*, F* = arg min max L_GAN(G, D_target) + L_GAN(F, D_source) + λ · L_cycle(G, F): one joint step of both generators,
    then one of each discriminator, which are shown past fakes too. λ is ``cycle_loss.weight``. Sources and targets need
    not be pairs: the dataset ``unpaired`` reads two folders.

    Args:
        identity_weight: Weight of the identity loss, times λ (section 5.2: 0.5, so that colours stay); 0 leaves it out.
        pool: Past fakes that each discriminator is shown some of; 0 shows it the newest alone.

    Raises:
        UsageError: If there is an identity loss, and sources and targets have different channels.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "generator": "resnet",
        "generator_back": "resnet",
        "discriminator": {"name": "patchgan", "norm": "instance"},
        "discriminator_back": {"name": "patchgan", "norm": "instance"},
        "gan_loss": "least-squares",
        "cycle_loss": {"name": "l1", "weight": 10},
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]},
        "schedule": {"name": "linear"},
        "dataset": {"name": "unpaired"},
    }
    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        # the paper's blocks at 128 pixels, and half the width; two generators and two discriminators take their time
        "small": {
            **{part: {"blocks": 6, "base_channels": 32} for part in ("generator", "generator_back")},
            **{part: {"base_channels": 32} for part in ("discriminator", "discriminator_back")},
            "training": {"batch_size": 1, "steps": 2000, "checkpoint_every": 500},
            "validation": {"every": 500},
        },
    }
    unpaired: ClassVar[bool] = True
    translators: ClassVar[Mapping[str, Any]] = {"target": translate, "source": translate_back}

    def __init__(
        self,
        generator: Generator,
        generator_back: Generator,
        discriminator: Discriminator,
        discriminator_back: Discriminator,
        gan_loss: Adversarial,
        cycle_loss: Losses,
        *,
        identity_weight: Annotated[float, Field(ge=0)] = 0.5,
        pool: Annotated[int, Field(ge=0)] = 50,
    ) -> None:
        super().__init__()
        self.generator, self.generator_back = generator, generator_back
        self.discriminator, self.discriminator_back = discriminator, discriminator_back
        self.gan_loss, self.cycle_loss = gan_loss, cycle_loss
        self.identity_weight = identity_weight
        self.pool, self.pool_back = ImagePool(pool), ImagePool(pool)

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Wire each discriminator to images of one field alone."""
        source, target = fields["source"].channels, fields["target"].channels
        if options["identity_weight"] and source != target:
            raise UsageError(
                f"The identity loss gives a target to the generator of sources, and these have {target} and {source} "
                "channels. Set recipe.identity_weight=0."
            )
        return {
            "generator": Wire(source, target),
            "generator_back": Wire(target, source),
            "discriminator": Wire(target),
            "discriminator_back": Wire(source),
            "gan_loss": Wire(),
            "cycle_loss": Wire(),
        }

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        """Yield one joint step of the generators, then one of each discriminator."""
        fake_target, fake_source = self.generator(source), self.generator_back(target)
        losses: dict[str, Any] = {
            "gan": self.gan_loss.generator_loss(self.discriminator(fake_target)),
            "gan_back": self.gan_loss.generator_loss(self.discriminator_back(fake_source)),
            "cycle": self.cycle_loss(self.generator_back(fake_target), source),
            "cycle_back": self.cycle_loss(self.generator(fake_source), target),
        }
        if self.identity_weight:
            losses["identity"] = self.same(self.generator(target), target)
            losses["identity_back"] = self.same(self.generator_back(source), source)
        yield Update(("generator", "generator_back"), losses)
        real, fake = self.discriminator(target), self.discriminator(self.pool(fake_target))
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real, fake)})
        real, fake = self.discriminator_back(source), self.discriminator_back(self.pool_back(fake_source))
        yield Update("discriminator_back", {"gan": self.gan_loss.discriminator_loss(real, fake)})

    def same(self, output: Tensor, image: Tensor) -> dict[str, Tensor]:
        """Return the identity loss: what a generator makes of an image that is what it should make already."""
        return {name: self.identity_weight * term for name, term in self.cycle_loss(output, image).items()}
