"""What `check_recipe` passes and what it names: one planted bug a case."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from i2i.contracts import Discriminator, Generator, Image, Loss, Recipe, Update, Wire
from i2i.fields import Fields
from i2i.parts import Adversarial
from i2i.testing import check_recipe


class Adversary(Recipe):
    """A generator against a discriminator."""

    defaults: ClassVar[Mapping[str, str]] = {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "least-squares",
        "pixel_loss": "l1",
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimizer": {"lr": 1e-4}, "data": {"crop": 64}}

    def __init__(
        self, generator: Generator, discriminator: Discriminator, gan_loss: Adversarial, pixel_loss: Loss
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator: Any = discriminator
        self.gan_loss, self.pixel_loss = gan_loss, pixel_loss

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        source, target = fields["source"].channels, fields["target"].channels
        losses = {"gan_loss": Wire(), "pixel_loss": Wire()}
        return {"generator": Wire(source, target), "discriminator": Wire(target), **losses}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        fake = self.generator(source)
        real_logits, fake_logits = self.discriminator(target), self.discriminator(fake.detach())
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_logits, fake_logits)})
        yield Update("generator", {"gan": self.gan_loss.generator_loss(self.discriminator(fake))})


class OneSided(Adversary):
    """Never trains its discriminator."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("generator", {"pixel": self.pixel_loss(self.generator(source), target)})


class Stale(Adversary):
    """Computes both losses before the first update is applied."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        fake = self.generator(source)
        logits = self.discriminator(fake)
        real_logits = self.discriminator(target)
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_logits, logits.detach())})
        yield Update("generator", {"gan": self.gan_loss.generator_loss(logits)})


class Misnames(Adversary):
    """Updates a network that it does not have."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("critic", {"gan": self.discriminator(target).mean()})


class NoGradient(Adversary):
    """Detaches what it should train."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("generator", {"gan": self.discriminator(self.generator(source).detach()).mean()})


class Lossless(Adversary):
    """Yields an update without a loss."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("generator", {})


class Maps(Adversary):
    """Yields maps for losses."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("discriminator", {"gan": self.discriminator(target).mean()})
        yield Update("generator", {"pixel": (self.generator(source) - target).abs().mean((1, 2, 3))})


class Dicing(Adversary):
    """Draws from numpy's generator."""

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        for update in super().step(source, target):
            yield Update(update.networks, {name: loss * np.random.random() for name, loss in update.terms.items()})


class Miswired(Adversary):
    """Takes source for target."""

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        target, source = fields["source"].channels, fields["target"].channels
        return {**super().wiring(fields, options), "generator": Wire(source, target)}


class Invents(Adversary):
    """Wires a part that is none."""

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {**super().wiring(fields, options), "critic": Wire()}


class Prescribes(Adversary):
    """Names a section that is none."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimiser": {"lr": 1e-4}}


class Overdoes(Adversary):
    """Prescribes a value that the engine refuses."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimizer": {"lr": -1}}


class Makes(Adversary):
    """Makes a field by a function whose parameter is neither field nor part."""

    translators: ClassVar[Mapping[str, Any]] = {"target": lambda translator, source: translator(source)}


class Reserved(Adversary):
    """Calls a part what a section is called."""

    defaults: ClassVar[Mapping[str, str]] = {"generator": "unet", "data": "l1"}

    def __init__(self, generator: Generator, data: Loss) -> None: ...


class Unannotated(Adversary):
    """Does not say what its parts are."""

    defaults: ClassVar[Mapping[str, str]] = {"generator": "unet"}

    def __init__(self, generator: nn.Module) -> None: ...


SMALL = {"generator": {"depth": 2, "base_channels": 2}, "discriminator": {"layers": 1, "base_channels": 2}}


def test_sound_recipe_passes() -> None:
    check_recipe(Adversary, parts=SMALL)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (OneSided, "step() trains no discriminator.stack.0.weight, discriminator.stack.0.bias,"),
        (Stale, "step() fails: RuntimeError: one of the variables needed for gradient computation has been modified"),
        (Misnames, "step() updates 'critic', but its networks are ['generator', 'discriminator',"),
        (NoGradient, "step() trains no generator.down.0.0.weight"),
        (Lossless, "step() yields no loss for the generator."),
        (Maps, "the loss 'pixel' of the generator is of shape (2,), not ()."),
        (Dicing, "two trainings under one seed differ, as in discriminator/gan, generator/gan, generator."),
        (Miswired, "step() fails: RuntimeError: "),
        (Invents, "wiring() names ['critic'], which are no parts."),
        (Prescribes, "settings name 'optimiser', which is none of"),
        (Overdoes, "settings fails: optimizer 'adam': option 'lr'"),
        (Makes, "nothing can be given as 'translator'"),
        (Reserved, "sections of the configuration are called ['data'] too."),
        (Unannotated, "its parts fails: Unannotated: annotate the part 'generator' with its contract"),
    ],
)
def test_bug_of_a_recipe_is_named(cls: Any, reason: str) -> None:
    parts = {part: options for part, options in SMALL.items() if part in cls.defaults}
    with pytest.raises(AssertionError) as error:
        check_recipe(cls, parts=parts)
    assert reason in str(error.value)


def test_the_check_leaves_the_generator_of_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    check_recipe(Adversary, parts=SMALL)
    assert torch.equal(torch.rand(1), expected)
