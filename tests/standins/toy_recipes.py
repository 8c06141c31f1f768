"""Recipes unlike pix2pix, as small as they can be: two directions, classes out of fields, noise and options."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Protocol

import pydantic
import torch
from torch import Tensor, nn

import i2i
from i2i.contracts import Generator, Ids, Image, Noise, Recipe, Update, Vector, Wire, contract
from i2i.fields import Fields


class Linear(nn.Module):
    """Mixes channels: the smallest generator.

    Args:
        bounded: End in [-1, 1]; without, it gives logits.
        multiple: Sizes that it takes are divisible by this number.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bounded: bool = True, multiple: int = 1) -> None:
        super().__init__()
        self.mix, self.bounded, self.size_multiple = nn.Conv2d(in_channels, out_channels, 1), bounded, multiple

    def forward(self, source: Tensor) -> Tensor:
        mixed: Tensor = self.mix(source)
        return torch.tanh(mixed) if self.bounded else mixed


@contract("ramp")
class HasFactor(Protocol):
    """What noise is multiplied by."""

    @property
    def factor(self) -> float:
        """Return it."""
        ...


class Ramp:
    """A part that is no network: what noise is multiplied by."""

    def __init__(self) -> None:
        self.factor = 0.01


def forward(generator: Generator, source: Image) -> Tensor:
    """Make a target."""
    return generator(source)


def backward(generator_back: Generator, target: Image) -> Tensor:
    """Make a source."""
    return generator_back(target)


class BothWays(Recipe):
    """Two generators, one for each direction, of unpaired sets too."""

    unpaired = True
    defaults: ClassVar[Mapping[str, Any]] = {"generator": "linear", "generator_back": "linear"}
    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": forward, "source": backward}

    def __init__(self, generator: Generator, generator_back: Generator) -> None:
        super().__init__()
        self.generator, self.generator_back = generator, generator_back

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        source, target = fields["source"].channels, fields["target"].channels
        return {"generator": Wire(source, target), "generator_back": Wire(target, source)}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        there, back = self.generator(source), self.generator_back(target)
        yield Update(
            ("generator", "generator_back"),
            {"there": (self.generator_back(there) - source).abs().mean(), "back": back.square().mean()},
        )


def classes_of(generator: Generator, source: Image, instances: Ids | None = None, code: Vector | None = None) -> Tensor:
    """Make logits of classes, of the first one more where there is an instance."""
    logits = generator(source)
    if instances is not None:
        logits = logits + 100 * (instances[:, None] > 0) * torch.eye(logits.shape[1])[0].reshape(1, -1, 1, 1)
    return logits if code is None else logits + code[:, :, None, None]


class Classes(Recipe):
    """Class ids of an image, of instances, and of a vector, where there are such."""

    defaults: ClassVar[Mapping[str, Any]] = {"generator": "linear"}
    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": classes_of}

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels, bounded=False)}

    def step(
        self, source: Image, target: Ids, instances: Ids | None = None, code: Vector | None = None
    ) -> Iterator[Update]:
        yield Update("generator", {"entropy": nn.functional.cross_entropy(self.generator(source), target)})


def noised(
    generator: Generator,
    ramp: HasFactor,
    source: Image,
    noise: Noise,
    *,
    steps: Annotated[int, pydantic.Field(ge=1)] = 1,
) -> Tensor:
    """Add noise several times.

    Args:
        steps: How often noise is added.
    """
    made = generator(source)
    for _ in range(steps):
        made = made + ramp.factor * noise
    return made.clamp(-1, 1)


class Noisy(Recipe):
    """A target with noise.

    Args:
        steps: How often noise is added in translating, unless told otherwise.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"generator": "linear", "ramp": "ramp"}
    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": noised}

    def __init__(self, generator: Generator, ramp: HasFactor, *, steps: int = 3) -> None:
        super().__init__()
        self.generator, self.ramp, self.steps = generator, ramp, steps

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels), "ramp": Wire()}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("generator", {"l1": (self.generator(source) - target).abs().mean()})


class Toys:
    """The plugin that brings them."""

    @i2i.hookimpl
    def i2i_recipes(self) -> dict[str, type[Recipe]]:
        return {"both-ways": BothWays, "classes": Classes, "noisy": Noisy}

    @i2i.hookimpl
    def i2i_generators(self) -> dict[str, type[nn.Module]]:
        return {"linear": Linear}

    @i2i.hookimpl
    def i2i_components(self) -> dict[str, dict[str, type]]:
        return {"ramp": {"ramp": Ramp}}
